"""The selects of sql/ and what can be told from their text: one SQL file is one select."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path

import sqlglot
from sqlglot import exp
from sqlglot.errors import ParseError, SqlglotError

from pipelines.machine.errors import ConfigurationError, attempt
from pipelines.machine.reaching import reaches_out
from pipelines.machine.visible import commanding
from pipelines.project.ages import follows

CODE = "_code"
"""Ends the name of the column of `decoded.<table>` that holds what a received value means."""

DECODED = "decoded."
"""Begins the name of a raw table whose codes are looked up in its codebook."""

ANSWERS = "answers."
"""Begins the name of what the select of a source returns, for what is made of it the same for every source."""


def tables_read(sql: str, name: str) -> list[str]:
    """The `schema.table` names that a select reads, in order; raises ConfigurationError where it is not one select.

    Who reads `decoded.<table>` reads `raw.<table>` and `codebook.<table>`, which are listed beside it.
    """
    try:
        statements = [statement for statement in sqlglot.parse(sql, read="duckdb") if statement is not None]
    except SqlglotError as error:
        raise ConfigurationError(f"{name}{_place(error)}: is not SQL that DuckDB reads.") from error
    except RecursionError as error:
        raise ConfigurationError(f"{name}: brackets are nested too deeply.") from error
    if len(statements) != 1 or not isinstance(statements[0], exp.Query):
        raise ConfigurationError(f"{name} must hold exactly one select")
    named = {f"{table.db}.{table.name}" for table in statements[0].find_all(exp.Table) if table.db}
    decoded = [table.removeprefix(DECODED) for table in named if table.startswith(DECODED)]
    return sorted(named | {f"{schema}.{table}" for table in decoded for schema in ("raw", "codebook")})


def _place(error: SqlglotError) -> str:
    """The line where the SQL ends to be SQL, and the words there, if it can be told."""
    if not isinstance(error, ParseError) or not error.errors:
        line = re.search(r"line (\d+)", str(error))
        return f", line {line[1]}" if line else ""
    first = error.errors[0]
    near = f" (near `{first['highlight']}`)" if first.get("highlight") else ""
    return f", line {first['line']}{near}" if first.get("line") else near


def tables_of_rows(sql: str) -> list[str]:
    """The `schema.table` names whose rows a select turns into its own: what stands after its `from`, looked up in its CTEs.

    Tables that are only joined are not among them. A union has those of all its parts. `decoded.<table>` has the rows of
    `raw.<table>`.
    """
    select = sqlglot.parse_one(sql, read="duckdb").assert_is(exp.Query)
    found = set(_tables_of_rows(select, {cte.alias.casefold(): cte.this for cte in select.find_all(exp.CTE)}))
    return sorted({table.replace(DECODED, "raw.") if table.startswith(DECODED) else table for table in found})


def _tables_of_rows(query: exp.Expr, named: Mapping[str, exp.Expr]) -> Iterator[str]:
    if isinstance(query, exp.SetOperation):
        yield from _tables_of_rows(query.left, named)
        yield from _tables_of_rows(query.right, named)
    elif isinstance(query, exp.Subquery):
        yield from _tables_of_rows(query.this, named)
    elif isinstance(query, exp.Table):
        if query.db:
            yield f"{query.db}.{query.name}"
        elif (its := query.name.casefold()) in named:
            yield from _tables_of_rows(named[its], {name: cte for name, cte in named.items() if name != its})
    elif isinstance(query, exp.Select) and (source := query.find(exp.From)):
        yield from _tables_of_rows(source.this, named)


@cache
def columns_returned(sql: str) -> list[str]:
    """The names of the columns that a select returns, in order."""
    return list(sqlglot.parse_one(sql, read="duckdb").assert_is(exp.Query).named_selects)


@dataclass(frozen=True)
class Select:
    """One SQL file: its path in the project, its text and the tables that it reads."""

    name: str
    text: str
    reads: tuple[str, ...]


def load_selects(sql: Path) -> dict[str, Select]:
    """`sql/report/x.sql` as `report.x`, `sql/core/x/<source>.sql` as `core.x/<source>`."""
    files = {f"core.{path.parent.name}/{path.stem}": path for path in sorted(sql.glob("core/*/*.sql"))}
    files |= {f"report.{path.stem}": path for path in sorted(sql.glob("report/*.sql"))}
    return _all(files, sql)


def load_vocabularies(sql: Path) -> dict[str, Select]:
    """`sql/core/x.sql` as `core.x`: what is the same for every source, made of the answers that their selects return."""
    return _all({f"core.{path.stem}": path for path in sorted(sql.glob("core/*.sql"))}, sql)


@cache
def made_of_answers(vocabulary: Select) -> dict[str, frozenset[str]]:
    """Column of a table -> the answers that it is written with, of those that the selects of sources return."""
    select = sqlglot.parse_one(vocabulary.text, read="duckdb").assert_is(exp.Select)
    aliases = {table.alias_or_name for table in select.find_all(exp.Table) if f"{table.db}." == ANSWERS}
    return {
        projection.alias_or_name: frozenset(column.name for column in projection.find_all(exp.Column) if column.table in aliases)
        for projection in select.expressions
    }


def columns_asked(select: Select, vocabulary: Select | None) -> set[str]:
    """The columns of a table that a source's select returns, and those that are made of them."""
    returned = set(columns_returned(select.text))
    returned |= set(follows(returned))
    made = made_of_answers(vocabulary) if vocabulary else {}
    return returned | {name for name, made_of in made.items() if made_of & returned}


def load_checks(folder: Path) -> dict[str, tuple[Select, ...]]:
    """Table name -> its checks: `sql/checks/<table>__<claim>.sql`."""
    files = {path.stem: path for path in sorted(folder.glob("*.sql"))}
    problems = [f"sql/checks/{name}.sql must be named <table>__<claim that must hold>.sql" for name in files if "__" not in name]
    selects = attempt(problems, _all, files, folder.parent)
    if problems:
        raise ConfigurationError(problems)
    checks: dict[str, tuple[Select, ...]] = {}
    for name, select in selects.items():
        table = name.partition("__")[0]
        checks[table] = (*checks.get(table, ()), select)
    return checks


def _all(files: Mapping[str, Path], sql: Path) -> dict[str, Select]:
    """Raises ConfigurationError with what is wrong with each file."""
    problems: list[str] = []
    selects = {name: attempt(problems, _select, path, sql) for name, path in files.items()}
    if problems:
        raise ConfigurationError(problems)
    return selects


def _select(path: Path, sql: Path) -> Select:
    name = f"sql/{path.relative_to(sql)}"
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"{name}: byte {error.start} is not UTF-8. Save the file as UTF-8.") from error
    except OSError as error:
        raise ConfigurationError(f"{name}: cannot be read: {(error.strerror or 'no reason is given').lower()}.") from error
    return _understood(name, text)


@lru_cache(maxsize=1_000)
def _understood(name: str, text: str) -> Select:
    """A select by its text, which is parsed once in a process: the project is loaded again for every run."""
    if letter := commanding(text):
        raise ConfigurationError(f"{name}, {letter}.")
    select = Select(name, text, tuple(tables_read(text, name)))
    if reached := reaches_out(text, (), "a select reads tables by schema and name, such as raw.nhanes_slq"):
        raise ConfigurationError(f"{name}: {reached}.")
    return select
