"""What SQL has and a condition on one person cannot use, by the functions that DuckDB itself lists."""

import difflib
from collections.abc import Iterator, Mapping
from functools import cache

import duckdb
from sqlglot import exp

LIKE_A_FUNCTION = 0.8
"""How like (0 to 1) a name must be to that of a function; DuckDB has hundreds, and something is like everything."""


OF_TODAY = ("current_date", "current_time", "current_localtime")

ABOUT_THE_MACHINE = ("current_", "getvariable", "pg_", "has_")
"""Begins the name of a function of DuckDB that tells of the engine, where it runs and what it is allowed."""


def forbidden(tree: exp.Expr) -> Iterator[str]:
    """What a condition holds that is not about one person alone: each in words that follow `the condition`."""
    functions = _unusable_functions()
    if any(node.comments for node in tree.walk()):
        yield "holds a comment of SQL: write it as a comment of YAML (#), outside the condition"
    if any(tree.find_all(exp.Query, exp.Table)):
        yield "holds a select: a condition is about one person and reads no other table or file"
    given = tree.find(exp.Placeholder, exp.Parameter, exp.SessionParameter)
    if given is not None:
        yield f"holds the parameter `{given.sql(dialect='duckdb')}`, which nobody gives a value: write the value itself"
    if any(tree.find_all(exp.Window)):
        yield "holds a window function: a condition is about one person"
    for function in tree.find_all(exp.Func):
        name = function.sql(dialect="duckdb").partition("(")[0].strip().lower()
        if name.startswith(OF_TODAY):
            yield f"uses {name}, which gives another answer every day"
        elif name in functions or type(function).__name__.startswith("Current"):
            yield f"uses {name}, which {functions.get(name, 'is about the machine and not about a person')}"


def no_function(name: str) -> str:
    """What is said of a name that is no function of DuckDB."""
    near = difflib.get_close_matches(name.lower(), _functions(), n=1, cutoff=LIKE_A_FUNCTION)
    return "which is no function" + (f"; did you mean {near[0]}?" if near else " of DuckDB")


@cache
def _unusable_functions() -> Mapping[str, str]:
    """Function -> why a condition cannot use it."""
    rows = [(name, kind, stability) for name, forms in _functions().items() for kind, stability in forms]
    unsteady = {name: "gives another answer every time" for name, _, stability in rows if stability not in {None, "CONSISTENT"}}
    unsteady |= {name: "is about the machine and not about a person" for name, _, _ in rows if name.startswith(ABOUT_THE_MACHINE)}
    aggregates = {name: "is about many people, and a condition about one" for name, kind, _ in rows if kind == "aggregate"}
    scalars = {name for name, kind, _ in rows if kind in {"scalar", "macro"}}
    return {name: why for name, why in aggregates.items() if name not in scalars} | unsteady


@cache
def _functions() -> Mapping[str, set[tuple[str, str | None]]]:
    """Function of DuckDB -> its kinds and whether it always gives the same answer."""
    query = "select function_name, function_type, stability from duckdb_functions()"
    functions: dict[str, set[tuple[str, str | None]]] = {}
    for name, kind, stability in duckdb.connect(":memory:", config={"threads": 1}).execute(query).fetchall():
        functions.setdefault(name, set()).add((kind, stability))
    return functions
