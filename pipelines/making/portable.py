"""SQL that means the same on DuckDB and on a server of Spark Connect: what does not, told from its text, and the way there.

The files of sql/ are written in the SQL of DuckDB and are the only source; Spark is given their translation.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import sqlglot
from sqlglot import exp

from pipelines.machine.functions import functions_of

DUCKDB, SPARK = "duckdb", "spark"

WHOLE_TYPES = exp.DataType.INTEGER_TYPES
HUGE = frozenset({exp.DataType.Type.INT128, exp.DataType.Type.UINT128, exp.DataType.Type.INT256, exp.DataType.Type.UINT256})

OF_THE_ORDER = frozenset(
    {"any_value", "arbitrary", "array_agg", "first", "group_concat", "last", "list", "listagg", "string_agg"}
)
"""Aggregates whose answer hangs on the order of rows, which each engine keeps as it likes."""

DATE_PARTS = frozenset(
    {"date_part", "date_trunc", "datepart", "datetrunc", "dayname", "extract", "monthname", "strftime", "strptime", "to_char"}
)
HASHES = frozenset({"hash", "md5_number", "md5_number_lower", "md5_number_upper"})

CHOICES = (exp.Coalesce, exp.Case, exp.Greatest, exp.Least, exp.Nullif)
"""What returns one of several values, which all become one type."""

SETTINGS = frozenset({"getvariable"})


@dataclass(frozen=True)
class Trap:
    """A piece of SQL that another engine reads otherwise, and what to write instead."""

    piece: str
    why: str
    instead: str

    def __str__(self) -> str:
        return f"`{self.piece}` {self.why}: {self.instead}"


Found = Iterator[tuple[exp.Expr, str, str]]


def traps(sql: str) -> list[Trap]:
    """What one select holds that does not mean the same on every engine; nothing where it does."""
    tree = sqlglot.parse_one(sql, read=DUCKDB)
    found = [Trap(_shown(piece), why, instead) for look in LOOKS for piece, why, instead in look(tree)]
    return list(dict.fromkeys(found))


def carried(sql: str, names: Mapping[str, str]) -> str:
    """A select of DuckDB in the SQL of Spark. `names`: `schema.table` -> what that table is called there."""
    tree = sqlglot.parse_one(sql, read=DUCKDB)
    for table in tree.find_all(exp.Table):
        if table.db:
            its = names[f"{table.db}.{table.name}"]
            alias = table.args.get("alias") or exp.TableAlias(this=exp.to_identifier(table.name))
            table.replace(exp.Table(this=exp.to_identifier(its, quoted=True), alias=alias, joins=table.args.get("joins")))
    _say_double(tree)
    return tree.sql(dialect=SPARK, unsupported_level=sqlglot.ErrorLevel.RAISE, comments=False)


def _say_double(tree: exp.Expr) -> None:
    """Let decimals that meet a double become one, and quotients of them, as in DuckDB: Spark would make decimals of both."""
    for literal in list(tree.find_all(exp.Literal)):
        if not literal.is_string and not literal.is_int and isinstance(literal.parent, (*CHOICES, exp.If)):
            literal.replace(exp.cast(literal.copy(), "double"))
    for division in reversed(list(tree.find_all(exp.Div))):  # those inside others first
        division.set("this", exp.cast(division.this.copy(), "double"))


def _shown(piece: exp.Expr) -> str:
    return piece.sql(dialect=DUCKDB, comments=False, unsupported_level=sqlglot.ErrorLevel.IGNORE)


def _casts_to_integers(tree: exp.Expr) -> Found:
    why, instead = "is rounded by DuckDB and cut off by Spark where it is no whole number", "cast(round(...) as ...)"
    for cast in tree.find_all(exp.Cast):
        if cast.to.this in WHOLE_TYPES and not _is_whole(cast.this) and not _is_text(cast.this):
            yield cast, why, instead


def _huge_integers(tree: exp.Expr) -> Found:
    for cast in tree.find_all(exp.Cast):
        if cast.to.this in HUGE:
            yield cast, "is a type that Spark does not have", "bigint, or decimal(38, 0)"


def _all_keys(tree: exp.Expr) -> Found:
    for group in tree.find_all(exp.Group):
        if group.args.get("all"):
            yield group, "names no key", "list the keys"
    for key in tree.find_all(exp.Ordered):
        if isinstance(key.this, exp.Var) and key.this.name.upper() == "ALL":
            yield key.parent or key, "names no key", "list the keys"


def _changed_stars(tree: exp.Expr) -> Found:
    for star in tree.find_all(exp.Star):
        if any(star.args.get(part) for part in ("except_", "except", "replace", "rename")):
            yield star, "is not read by every engine", "list the columns"


def _calls(tree: exp.Expr) -> Found:
    for name, function in functions_of(tree):
        if found := _why_a_call(name, function):
            yield function, *found


def _why_a_call(name: str, function: exp.Func) -> tuple[str, str] | None:
    if name in OF_THE_ORDER:
        return "hangs on the order in which rows come", "an aggregate that does not: min, max, sum, count"
    if name in DATE_PARTS or isinstance(function, exp.Extract):
        return "names a part or form of a date, which each engine spells and counts its own way", "year(), month(), day()"
    if name in HASHES:
        return "is another number on each engine", "md5(cast(... as varchar))"
    if name in SETTINGS:
        return "is set on a connection of DuckDB only", "the value itself"
    if isinstance(function, exp.Log) and function.expression is None:
        return "has base 10 in DuckDB and base e in Spark", "ln(...) or log10(...)"
    if isinstance(function, (exp.RegexpLike, exp.RegexpExtract, exp.RegexpReplace)) or name.startswith("regexp_"):
        return "is a regular expression, whose language differs from engine to engine", "like, contains() or starts_with()"
    return None


def _filtered_windows(tree: exp.Expr) -> Found:
    for window in tree.find_all(exp.Window):
        if isinstance(window.this, exp.Filter):
            yield window, "is a filter within a window, which not every engine has", "max(case when ... then ... end) over (...)"


def _divisions(tree: exp.Expr) -> Found:
    why, instead = "is infinite in DuckDB and an error in Spark where it divides by 0", "... / nullif(..., 0)"
    for division in tree.find_all(exp.Div, exp.IntDiv, exp.Mod):
        if not _is_never_zero(division.expression):
            yield division, why, instead


LOOKS: tuple[Callable[[exp.Expr], Found], ...] = (
    _casts_to_integers,
    _huge_integers,
    _all_keys,
    _changed_stars,
    _calls,
    _filtered_windows,
    _divisions,
)


def _is_whole(value: exp.Expr) -> bool:
    """Whether an expression cannot but be a whole number, or NULL."""
    value = value.unnest()
    if isinstance(value, (exp.Floor, exp.Ceil, exp.Round)):
        return not value.args.get("decimals")
    if isinstance(value, exp.Literal):
        return value.is_int
    if isinstance(value, (exp.Add, exp.Sub, exp.Mul)):
        return _is_whole(value.left) and _is_whole(value.right)
    if isinstance(value, exp.Case):
        given = [branch.args["true"] for branch in value.args["ifs"]] + [value.args.get("default") or exp.null()]
        return all(map(_is_whole, given))
    if isinstance(value, exp.Cast):
        return value.to.this in WHOLE_TYPES
    if isinstance(value, (exp.Neg, exp.Sum, exp.Min, exp.Max)):
        return _is_whole(value.this)
    return isinstance(value, (exp.Null, exp.Boolean, exp.Predicate, exp.Count, exp.Length))


def _is_text(value: exp.Expr) -> bool:
    return isinstance(value, exp.Cast) and value.to.this in exp.DataType.TEXT_TYPES


def _is_never_zero(value: exp.Expr) -> bool:
    value = value.unnest()
    if isinstance(value, exp.Literal):
        return not value.is_string and float(value.this) != 0
    if isinstance(value, exp.Nullif):
        other = value.expression
        return isinstance(other, exp.Literal) and not other.is_string and float(other.this) == 0
    if isinstance(value, (exp.Neg, exp.Cast)):
        return _is_never_zero(value.this)
    return isinstance(value, exp.Null)
