"""A condition on the respondents, as the analyst writes it under `where`, judged before anybody is counted by it.

It is parsed, bound and typed by DuckDB on a table without rows, that cannot reach a file. Then it is tried on the values that a
column can have: one that nobody can meet, that compares with a level that there is not, or that tells apart what a top code has
made one, is refused. Nothing in here reads data.
"""

import math
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import duckdb
import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from pipelines.contracts.columns import NUMERIC_TYPES, WHOLE_NUMBER_TYPES
from pipelines.machine.faults import known, nearest, number_in
from pipelines.machine.quoting import identifier, literal
from pipelines.project.forbidden import forbidden, no_function
from pipelines.project.parts import EQUALITIES, compared, parts_about_one_column, positive_parts

LARGEST_RANGE = 10_000
"""Whole numbers of a column's range that are tried one by one."""

LARGEST = {"INTEGER": 2**31 - 1, "BIGINT": 2**53}
"""Type -> a number up to which it holds every whole number that a condition can name."""

EXAMPLE = "write one such as sex = 'female' and age_years >= 60"

UNKNOWN_FUNCTION = re.compile(r"Function with name \"?(\w+)\"? does not exist")

TEXT_OF_A_BOOLEAN = ("true", "false")


@dataclass(frozen=True)
class Domain:
    """What a column can hold: its DuckDB type, its levels where they are listed, its range where it has one."""

    type: str
    levels: tuple[str, ...] | None = None
    lowest: float | None = None
    highest: float | None = None
    top_codes: Mapping[str, int] = field(default_factory=dict)
    """Source -> the value that stands for itself and all above it."""

    @cached_property
    def values(self) -> list[object] | None:
        """All values, among them none; None where they are too many to list."""
        if self.type == "BOOLEAN":
            return [True, False, None]
        if self.levels is not None:
            return [*self.levels, None]
        if self.type not in WHOLE_NUMBER_TYPES or self.lowest is None or self.highest is None:
            return None
        return [*range(int(self.lowest), int(self.highest) + 1), None] if self.highest - self.lowest <= LARGEST_RANGE else None


class Conditions:
    """Judges conditions on one table; `domains` are its columns in order."""

    def __init__(self, table: str, domains: Mapping[str, Domain]) -> None:
        self.table = table
        self.domains = domains
        self.connection = duckdb.connect(":memory:", config={"enable_external_access": False, "threads": 1})
        columns = ", ".join(f"{identifier(name)} {domain.type}" for name, domain in domains.items())
        self.connection.execute(f"create table respondents ({columns})")
        self.connection.execute("set lock_configuration = true")

    def fault(self, condition: str) -> str | None:
        """What is wrong with a condition, in one sentence; None where it can be used."""
        if not condition.strip():
            return f"must not be empty; {EXAMPLE}"
        try:
            return self._fault(condition)
        except RecursionError:
            return f"`{_short(condition)}` nests brackets too deeply: take those away that it does not need"

    def _fault(self, condition: str) -> str | None:
        try:
            parsed = [tree for tree in sqlglot.parse(condition, read="duckdb") if tree is not None]
        except SqlglotError:
            parsed = []
        syntax = self._syntax(condition)
        if syntax or len(parsed) != 1:
            return f"`{_short(condition)}` is no condition in SQL{syntax or ''}; {EXAMPLE}"
        tree = parsed[0]
        return next(self._faults(tree, condition), None)

    def _faults(self, tree: exp.Expr, condition: str) -> Iterator[str]:
        yield from forbidden(tree)
        yield from self._unknown_columns(tree)
        yield from self._wrong_values(tree)
        yield from self._untyped(condition)
        yield from self._not_worked_out(tree)
        yield from self._across_top_codes(tree)
        yield from self._met_by_nobody(tree)

    def _syntax(self, condition: str) -> str | None:
        try:
            self.connection.extract_statements(f"select ({condition}\n)")
        except duckdb.ParserException as error:
            return f" ({str(error).splitlines()[0].removeprefix('Parser Error: ')})".replace(' at or near ")"', " at its end")
        except duckdb.Error:
            return ""
        return None

    def _unknown_columns(self, tree: exp.Expr) -> Iterator[str]:
        for column in tree.find_all(exp.Column):
            if column.name not in self.domains or column.table:
                near = nearest(column.name, self.domains)
                text = column.this.args.get("quoted") and not near
                hint = "text stands in single quotes" if text else f"did you mean {near}?" if near else known(self.domains)
                yield f"names column {column.sql(dialect='duckdb')}, which {self.table} does not have; {hint}"

    def _wrong_values(self, tree: exp.Expr) -> Iterator[str]:
        """Values that a column is compared with and that it can never have."""
        for node in tree.walk():
            for column, value in compared(node):
                domain = self.domains[column.name]
                yield from _wrong_value(column.name, domain, value, is_equality=isinstance(node, (*EQUALITIES, exp.In)))

    def _untyped(self, condition: str) -> Iterator[str]:
        try:
            described = self.connection.execute(f"select ({condition}\n) from respondents").description
        except duckdb.Error as error:
            yield self._unusable(condition, error)
            return
        kind = str(described[0][1]) if described and len(described) == 1 else "several columns"
        if kind != "BOOLEAN":
            yield f"`{_short(condition)}` is no condition: it gives {kind} where true or false is needed"
            return
        try:
            self.connection.execute(f"select count(*) filter (where ({condition}\n)) from respondents where ({condition}\n)")
        except duckdb.Error as error:
            yield self._unusable(condition, error)

    def _unusable(self, condition: str, error: duckdb.Error) -> str:
        said = str(error).splitlines()[0].partition(": ")[2]
        missing = UNKNOWN_FUNCTION.search(said)
        if missing:
            return f"uses {missing[1]}, {no_function(missing[1])}"
        return f"`{_short(condition)}` cannot be used: {said.rstrip('.!')}"

    def _not_worked_out(self, tree: exp.Expr) -> Iterator[str]:
        """Parts that end in an error for a value that somebody can have."""
        for part, name in parts_about_one_column(tree):
            values = self.domains[name].values or _some_values(part, self.domains[name])
            failing = self._failing(part, name, values)
            if failing is not None:
                yield (
                    f"`{_short(part.sql(dialect='duckdb'))}` cannot be worked out where {name} is {failing}: "
                    "write it so that it has an answer for every value"
                )

    def _failing(self, part: exp.Expr, name: str, values: Sequence[object]) -> object | None:
        """The first value that the part fails on, if there is one."""
        if self._tried(part, name, self.domains[name], values) is not None:
            return None
        if len(values) == 1:
            return values[0]
        half = len(values) // 2
        first = self._failing(part, name, values[:half])
        return first if first is not None else self._failing(part, name, values[half:])

    def _across_top_codes(self, tree: exp.Expr) -> Iterator[str]:
        for part, name in parts_about_one_column(tree):
            domain = self.domains[name]
            for source, code in domain.top_codes.items():
                above = [float(value) if domain.type == "DOUBLE" else int(value) for value in _above(code, part, domain)]
                if len(set(self._met(part, name, domain, above))) > 1:
                    yield (
                        f"`{part.sql(dialect='duckdb')}` separates people above the top code {code} of {source}, where "
                        f"{name} {code} stands for {code} and above; the highest bound that works is {name} >= {code}"
                    )

    def _met_by_nobody(self, tree: exp.Expr) -> Iterator[str]:
        if not any(tree.find_all(exp.Column)):
            if not self.connection.execute(f"select coalesce({tree.sql(dialect='duckdb')}, false)").fetchall()[0][0]:
                yield "is true for nobody"
            return
        for part, name in positive_parts(tree):
            values = self.domains[name].values
            if values is not None and not any(self._met(part, name, self.domains[name], values)):
                yield f"`{part.sql(dialect='duckdb')}` is true for nobody: {_described(name, self.domains[name])}"

    def _met(self, part: exp.Expr, name: str, domain: Domain, values: Sequence[object]) -> list[bool]:
        """Whether each value meets a part of the condition; unknown is no. Where it fails, that is told elsewhere."""
        met = self._tried(part, name, domain, values)
        return [True] if met is None else met

    def _tried(self, part: exp.Expr, name: str, domain: Domain, values: Sequence[object]) -> list[bool] | None:
        """Whether each value meets a part of the condition; None where it fails on one of them."""
        listed = ", ".join(f"({index}, cast({_sql(value)} as {domain.type}))" for index, value in enumerate(values))
        query = (
            f"select coalesce({part.sql(dialect='duckdb')}, false) from (values {listed}) as tried(number, {identifier(name)}) "
            "order by number"
        )
        try:
            return [bool(met) for (met,) in self.connection.execute(query).fetchall()]
        except duckdb.Error:
            return None


def _wrong_value(name: str, domain: Domain, value: exp.Expr, *, is_equality: bool) -> Iterator[str]:
    text = value.name if isinstance(value, exp.Literal) else value.sql().lower()
    is_text = isinstance(value, exp.Literal) and value.is_string
    if domain.type == "VARCHAR":
        if not is_text:
            yield f"compares {name}, which is text, with {text}: write the value in single quotes"
        elif is_equality and domain.levels is not None and text not in domain.levels:
            yield f"compares {name} with '{_short(text)}', which it never is; {known(domain.levels, text)}"
    elif domain.type == "BOOLEAN":
        if is_equality and text.lower() not in (*TEXT_OF_A_BOOLEAN, "0", "1"):
            yield f"compares {name}, which is true or false, with '{_short(text)}'; known are true, false"
    elif domain.type in NUMERIC_TYPES and number_in(text) is None:
        yield f"compares {name}, which is a number, with '{_short(text)}': write a number without quotes"


def _above(code: int, part: exp.Expr, domain: Domain) -> Collection[float]:
    """Values from a top code on, among them all at which the part can change."""
    highest = domain.highest if domain.highest is not None else code
    values: set[float] = {code, code + 1, highest} | _beside_its_numbers(part, domain)
    if domain.type in WHOLE_NUMBER_TYPES and highest - code <= LARGEST_RANGE:
        values |= set(range(code, int(highest) + 1))
    return sorted(value for value in values if code <= value and (domain.highest is None or value <= domain.highest))


def _some_values(part: exp.Expr, domain: Domain) -> Sequence[object]:
    """Of numbers that are too many to list: the ends of the range, what lies about 0 and about the numbers of the part."""
    if domain.type not in NUMERIC_TYPES:
        return [None]
    values = {0.0, -1.0, 1.0, domain.lowest, domain.highest} | _beside_its_numbers(part, domain)
    largest = LARGEST.get(domain.type, math.inf)
    lowest = -largest if domain.lowest is None else domain.lowest
    highest = largest if domain.highest is None else domain.highest
    inside = sorted(value for value in values if value is not None and lowest <= value <= highest)
    return [*(inside if domain.type == "DOUBLE" else dict.fromkeys(map(int, inside))), None]


def _beside_its_numbers(part: exp.Expr, domain: Domain) -> set[float]:
    """The numbers of a part and what lies just below and above them."""
    steps = (-1, -0.5, 0, 0.5, 1) if domain.type == "DOUBLE" else (-1, 0, 1)
    numbers = [number for given in part.find_all(exp.Literal) if (number := number_in(given.name)) is not None]
    return {number + step for number in numbers for step in steps}


def _described(name: str, domain: Domain) -> str:
    if domain.type == "BOOLEAN":
        return f"{name} is true, false or unknown"
    if domain.levels is not None:
        return f"{name} is {', '.join(domain.levels)} or unknown"
    return f"{name} is from {domain.lowest:g} to {domain.highest:g}"


def _sql(value: object) -> str:
    return "null" if value is None else literal(value)


def _short(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= 80 else f"{text[:80]}..."


def columns_of(condition: str) -> set[str]:
    """The columns that a condition without fault reads."""
    return {column.name for column in sqlglot.parse_one(condition, read="duckdb").find_all(exp.Column)}
