"""Changes of one place of a module, each of which should make a test fail. Texts are left as they are: wording is not judged."""

import ast
from collections.abc import Callable, Iterator
from dataclasses import dataclass

COMPARISONS: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
}
OPERATORS: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.Mult,
    ast.Pow: ast.Mult,
    ast.BitOr: ast.BitAnd,
    ast.BitAnd: ast.BitOr,
}
FUNCTIONS = {"min": "max", "max": "min", "any": "all", "all": "any"}

UNTOUCHED = frozenset({"strict", "frozen", "encoding", "soft_wrap", "highlight", "exist_ok"})
"""Keywords whose values are promises to the reader or to the library, and change no answer."""


@dataclass(frozen=True)
class Place:
    """Where a module can be changed: its line, the change in words, and which node of its tree (as `ast.walk` finds them)."""

    line: int
    change: str
    node: int


def places(source: str) -> list[Place]:
    """Everywhere that a module can be changed, in the order of its lines."""
    tree = ast.parse(source)
    left_alone = set(_left_alone(tree))
    found = [
        Place(_line(node), change, number)
        for number, node in enumerate(ast.walk(tree))
        if node not in left_alone
        for change, _ in _changes(node)
    ]
    return sorted(found, key=lambda place: (place.line, place.node, place.change))


def mutant(source: str, place: Place) -> str:
    """The module with one change."""
    tree = ast.parse(source)
    node = list(ast.walk(tree))[place.node]
    dict(_changes(node))[place.change]()
    return ast.unparse(ast.fix_missing_locations(tree))


def _line(node: ast.AST) -> int:
    """Where a node begins; a comprehension says it of its variable only."""
    return _line(node.target) if isinstance(node, ast.comprehension) else int(getattr(node, "lineno", 0))


def _left_alone(tree: ast.Module) -> Iterator[ast.AST]:
    """What is no behaviour: annotations, decorators, texts in f-strings and their formats, and promises to a library."""
    for node in ast.walk(tree):
        roots: list[ast.AST | None] = []
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            roots += node.decorator_list
        if isinstance(node, ast.FunctionDef):
            roots.append(node.returns)
        if isinstance(node, (ast.AnnAssign, ast.arg)):
            roots.append(node.annotation)
        if isinstance(node, ast.JoinedStr):
            roots += node.values
        if isinstance(node, ast.keyword) and node.arg in UNTOUCHED:
            roots.append(node.value)
        if isinstance(node, ast.Assign) and any(_is_type(value) for value in ast.walk(node.value)):
            roots.append(node.value)  # `Row = Mapping[str, Any]`, `Text = str | None`
        for root in roots:
            if root is not None:
                yield from ast.walk(root)


def _is_type(node: ast.AST) -> bool:
    return isinstance(node, ast.Name) and node.id in {"Literal", "Annotated", "Callable", "Mapping", "Any"}


def _changes(node: ast.AST) -> Iterator[tuple[str, Callable[[], None]]]:
    """What can be changed about one node of the tree, and how."""
    if isinstance(node, ast.Compare) and len(node.ops) == 1 and (other := COMPARISONS.get(type(node.ops[0]))):
        yield f"{type(node.ops[0]).__name__} to {other.__name__}", lambda: setattr(node, "ops", [other()])
    elif isinstance(node, ast.BoolOp):
        swapped = ast.Or if isinstance(node.op, ast.And) else ast.And
        yield f"{type(node.op).__name__} to {swapped.__name__}", lambda: setattr(node, "op", swapped())
    elif isinstance(node, ast.BinOp) and (operator := OPERATORS.get(type(node.op))) and not _is_text(node):
        yield f"{type(node.op).__name__} to {operator.__name__}", lambda: setattr(node, "op", operator())
    elif isinstance(node, ast.Constant) and isinstance(node.value, bool):
        yield f"{node.value} to {not node.value}", lambda: setattr(node, "value", not node.value)
    elif isinstance(node, ast.Constant) and isinstance(node.value, (int, float)):
        more = node.value + 1 if isinstance(node.value, int) else node.value * 1.5 or 1.0
        yield f"{node.value} to {more}", lambda: setattr(node, "value", more)
    elif isinstance(node, (ast.If, ast.IfExp, ast.While)):
        yield "condition negated", lambda: setattr(node, "test", ast.UnaryOp(ast.Not(), node.test))
    elif isinstance(node, ast.comprehension) and node.ifs:
        yield "filter dropped", lambda: setattr(node, "ifs", [])
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub) and not isinstance(node.operand, ast.Constant):
        yield "minus dropped", lambda: setattr(node, "op", ast.UAdd())
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and (name := FUNCTIONS.get(node.func.id)):
        function = node.func
        yield f"{function.id} to {name}", lambda: setattr(function, "id", name)


def _is_text(node: ast.BinOp) -> bool:
    """Whether text is put together: a plus that cannot be a minus."""
    return any(
        isinstance(side, ast.JoinedStr) or (isinstance(side, ast.Constant) and isinstance(side.value, str))
        for side in (node.left, node.right)
    )
