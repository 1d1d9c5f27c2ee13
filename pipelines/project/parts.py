"""The parts of a condition: what it compares, and what of it is about one column."""

from collections.abc import Iterator, Sequence
from typing import Any

from sqlglot import exp

EQUALITIES = (exp.EQ, exp.NEQ, exp.NullSafeEQ, exp.NullSafeNEQ)
COMPARISONS = (*EQUALITIES, exp.GT, exp.GTE, exp.LT, exp.LTE)


def compared(node: exp.Expr) -> Iterator[tuple[exp.Column, exp.Expr]]:
    """(column, value) of everything that a node compares."""
    pairs: list[tuple[Any, Any]] = []
    if isinstance(node, COMPARISONS):
        pairs = [(node.this, node.expression), (node.expression, node.this)]
    elif isinstance(node, exp.In):
        pairs = [(node.this, value) for value in node.expressions]
    elif isinstance(node, exp.Between):
        pairs = [(node.this, node.args["low"]), (node.this, node.args["high"])]
    for column, value in pairs:
        column, value = _bare(column), _bare(value)
        if isinstance(column, exp.Column) and isinstance(value, (exp.Literal, exp.Boolean)):
            yield column, value


def parts_about_one_column(tree: exp.Expr) -> Iterator[tuple[exp.Expr, str]]:
    """The largest parts of a condition that are about one column each, with its name."""
    names = {column.name for column in tree.find_all(exp.Column)}
    if len(names) == 1:
        yield tree, names.pop()
    elif isinstance(tree, (exp.And, exp.Or, exp.Not, exp.Paren)):
        for part in (tree.this, tree.args.get("expression")):
            if part is not None:
                yield from parts_about_one_column(part)


def positive_parts(tree: exp.Expr) -> Iterator[tuple[exp.Expr, str]]:
    """Those parts that must hold for some people: what is joined by `and` about one column, and the sides of an `or`."""
    conjuncts = list(tree.flatten()) if isinstance(tree, exp.And) else [tree]
    by_column: dict[str, list[exp.Expr]] = {}
    for part in conjuncts:
        names = {column.name for column in part.find_all(exp.Column)}
        if len(names) == 1:
            by_column.setdefault(names.pop(), []).append(part)
        for side in _sides(part):
            yield from positive_parts(side)
    for name, parts in by_column.items():
        yield exp.and_(*(part.copy() for part in parts)), name


def _bare(node: exp.Expr) -> exp.Expr:
    while isinstance(node, exp.Paren) or (isinstance(node, exp.Neg) and isinstance(node.this, exp.Literal)):
        node = node.this
    return node


def _sides(part: exp.Expr) -> Sequence[exp.Expr]:
    inside = part.unnest() if isinstance(part, exp.Paren) else part
    if isinstance(inside, exp.Or):
        return list(inside.flatten())
    return [inside] if isinstance(inside, exp.And) else []
