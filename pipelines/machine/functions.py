"""The functions that SQL calls, and those of DuckDB whose answer is not made of the data: by the list that DuckDB itself keeps.

What a night makes depends on the deliveries and on the project's files, never on the day, the machine or chance.
"""

import re
from collections.abc import Iterator, Mapping
from functools import cache
from types import MappingProxyType

import duckdb
import sqlglot
from sqlglot import ErrorLevel, exp

CALLED = re.compile(r'"?(\w+)"?\s*(?:\(.*)?', re.DOTALL)
"""A call as sqlglot writes it. Operators, which it takes for functions too, have something else after their first word."""

OF_ROWS = frozenset({"generate_series", "json_each", "json_tree", "range", "repeat", "repeat_row", "unnest"})
"""Functions that give rows, of nothing but their arguments; every other one reads a file, a catalog or a table by its name."""

OTHERS_REACH = re.compile(r"read_.*|.*_scan|glob|sniff_.*|getenv|query|query_table|.*_metadata|http_.*")
"""Names of functions that reach out, where they are those of an extension or of DuckDB's own command line as well."""

ABOUT_THE_MACHINE = re.compile(
    r"current_.*|has_.*_privilege|inet_.*|pg_.*|.*_description|json_(de)?serialize_.*|json_execute_.*|get_block_size|getvariable"
    r"|in_search_path|session_user|sleep_ms|stats|txid_.*|user|vector_type|version|write_log|parse_duckdb_log_message"
)
"""Names of functions that tell of the engine, of where it runs and of what it is allowed, or that give it orders."""

OF_TODAY = re.compile(r"ago|current_date|current_(local)?time.*|get_current_time.*|localtime.*|now|today|transaction_timestamp")

OF_CHANCE = frozenset({"approx_quantile", "approx_top_k", "reservoir_quantile"})
"""Aggregates that draw, or whose answer is another one with the order in which threads bring the rows."""

STEADY = frozenset({"error"})
"""Called volatile by DuckDB so that it is not worked out beforehand; it has no answer at all."""

EVERY_DAY = "gives another answer every day"
EVERY_TIME = "gives another answer every time"
THE_MACHINE = "is about the machine and not about the data"
REACHES_OUT = "reaches out of the warehouse"


def functions_of(tree: exp.Expr) -> Iterator[tuple[str, exp.Func]]:
    """What SQL calls by name, in lower case; operators are none, although sqlglot has `and` and `or` among its functions."""
    for function in tree.find_all(exp.Func):
        if isinstance(function, exp.Connector):
            continue
        called = CALLED.fullmatch(function.sql(dialect="duckdb", comments=False, unsupported_level=ErrorLevel.IGNORE))
        if called:
            yield called[1].lower(), function


def not_of_the_data(tree: exp.Expr) -> Iterator[tuple[str, str]]:
    """The functions that SQL calls whose answer is not made of the data: their names and why, in words that follow `which`."""
    reasons = unusable_functions()
    for name, function in functions_of(tree):
        gives_rows = isinstance(function.parent, (exp.Table, exp.Lateral)) and function.arg_key == "this"
        if why := reasons.get(name) or _why_by_name(name):
            yield name, why
        elif OTHERS_REACH.fullmatch(name) or (gives_rows and name not in OF_ROWS):
            yield name, REACHES_OUT
        elif name == "age" and len(function.expressions) == 1:
            yield "age with one date", EVERY_DAY
        elif type(function).__name__.startswith("Current"):
            yield name, THE_MACHINE


@cache
def unusable_functions() -> Mapping[str, str]:
    """Function of DuckDB -> why its answer is not made of the data. Some take a name of rows and of one value: see `OF_ROWS`."""
    found: dict[str, str] = {}
    for name, forms in duckdb_functions().items():
        if why := _why(name, forms):
            found[name] = why
    macros = _macros()
    while more := dict(_calling(macros, found)):
        found |= more
    return MappingProxyType(found)


def _calling(macros: Mapping[str, str], found: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """The macros not found yet that call what was found."""
    for name in macros.keys() - found.keys():
        if why := _why_inside(macros[name], found):
            yield name, why


def _why(name: str, forms: set[tuple[str, str | None]]) -> str | None:
    kinds = {kind for kind, _ in forms}
    if why := _why_by_name(name):
        return why
    if kinds <= {"table", "table_macro", "pragma"} and name not in OF_ROWS:
        return REACHES_OUT
    return EVERY_TIME if name in OF_CHANCE or (_is_unsteady(forms) and name not in STEADY) else None


def _is_unsteady(forms: set[tuple[str, str | None]]) -> bool:
    """Whether some form of a function draws, or all of them tell of the moment.

    DuckDB 2 calls forms about moments with a time zone consistent within a query only: it may be set, and the engine sets UTC.
    """
    stabilities = {stability for _, stability in forms} - {None}
    return "VOLATILE" in stabilities or (not stabilities <= {"CONSISTENT"} and "CONSISTENT" not in stabilities)


def _why_by_name(name: str) -> str | None:
    if OF_TODAY.fullmatch(name):
        return EVERY_DAY
    return THE_MACHINE if ABOUT_THE_MACHINE.fullmatch(name) else None


def _why_inside(definition: str, found: Mapping[str, str]) -> str | None:
    """Why a macro that is defined like this cannot be used: for what it calls."""
    return next((found[name] for name, _ in functions_of(sqlglot.parse_one(definition, read="duckdb")) if name in found), None)


@cache
def duckdb_functions() -> Mapping[str, set[tuple[str, str | None]]]:
    """Function of DuckDB -> its kinds and whether it always gives the same answer."""
    functions: dict[str, set[tuple[str, str | None]]] = {}
    for name, kind, stability, _ in _listed():
        functions.setdefault(name.lower(), set()).add((kind, stability))
    return MappingProxyType(functions)


def _macros() -> dict[str, str]:
    return {name: definition for name, kind, _, definition in _listed() if kind == "macro" and definition}


@cache
def _listed() -> list[tuple[str, str, str | None, str | None]]:
    query = "select function_name, function_type, stability, macro_definition from duckdb_functions()"
    return duckdb.connect(":memory:", config={"threads": 1}).execute(query).fetchall()
