"""What SQL has and a condition on one person cannot use, by the functions that DuckDB itself lists."""

import difflib
from collections.abc import Iterator
from functools import cache

from sqlglot import exp

from pipelines.machine.functions import duckdb_functions, functions_of, not_of_the_data

LIKE_A_FUNCTION = 0.8
"""How like (0 to 1) a name must be to that of a function; DuckDB has hundreds, and something is like everything."""


def forbidden(tree: exp.Expr) -> Iterator[str]:
    """What a condition holds that is not about one person alone: each in words that follow `the condition`."""
    if any(node.comments for node in tree.walk()):
        yield "holds a comment of SQL: write it as a comment of YAML (#), outside the condition"
    if any(tree.find_all(exp.Query, exp.Table)):
        yield "holds a select: a condition is about one person and reads no other table or file"
    given = tree.find(exp.Placeholder, exp.Parameter, exp.SessionParameter)
    if given is not None:
        yield f"holds the parameter `{given.sql(dialect='duckdb')}`, which nobody gives a value: write the value itself"
    if any(tree.find_all(exp.Window)):
        yield "holds a window function: a condition is about one person"
    for name, why in not_of_the_data(tree):
        yield f"uses {name}, which {why}"
    for name, _ in functions_of(tree):
        if name in _aggregates():
            yield f"uses {name}, which is about many people, and a condition about one"


def no_function(name: str) -> str:
    """What is said of a name that is no function of DuckDB."""
    near = difflib.get_close_matches(name.lower(), duckdb_functions(), n=1, cutoff=LIKE_A_FUNCTION)
    return "which is no function" + (f"; did you mean {near[0]}?" if near else " of DuckDB")


@cache
def _aggregates() -> frozenset[str]:
    """Functions that are about many rows and never about one."""
    kinds = {name: {kind for kind, _ in forms} for name, forms in duckdb_functions().items()}
    return frozenset(name for name, its in kinds.items() if "aggregate" in its and not its & {"scalar", "macro"})
