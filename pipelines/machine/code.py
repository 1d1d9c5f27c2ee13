"""The code of this package as an ingredient of what it makes: the modules that a maker really imports, and a digest of them.

Everything is read from the files. Comments, docstrings and layout do not count, nor do imports for type checkers alone; imports
inside functions do. Modules are named from within the package: `report.trends`.
"""

import ast
import hashlib
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from pathlib import Path

PACKAGE = Path(__file__).parent.parent

TEMPLATES = "*.j2"
"""What a module reads from its own folder, beside it or below."""


def code_digest(makers: Collection[str], named_otherwise: Collection[str] = ()) -> str:
    """SHA-256 of all code that the makers import, directly or not, and of the templates beside it.

    The walk ends at what is `named_otherwise`: modules that hand over what a recipe names by its value.
    """
    return _digest(PACKAGE, frozenset(makers), frozenset(named_otherwise))


def imported(makers: Collection[str], named_otherwise: Collection[str] = ()) -> frozenset[str]:
    """The makers and every module that they import, directly or not."""
    return _imported(PACKAGE, frozenset(makers), frozenset(named_otherwise))


@cache
def subclasses_of(name: str) -> frozenset[str]:
    """The name of a class and of all its subclasses in this package, be they imported by now or not."""
    trees = [ast.parse(path.read_bytes()) for path in _modules(PACKAGE).values()]
    bases = {
        node.name: {base.id for base in node.bases if isinstance(base, ast.Name)}
        for tree in trees
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef)
    }
    found, last = {name}, set[str]()
    while found != last:
        last = set(found)
        found |= {kind for kind, of in bases.items() if of & found}
    return frozenset(found)


def code_version() -> dict[str, str]:
    """Version of the package, and the SHA-256 of all its files of code as they are."""
    hashed = hashlib.sha256()
    for path in sorted([*PACKAGE.rglob("*.py"), *PACKAGE.rglob(TEMPLATES)]):
        hashed.update(str(path.relative_to(PACKAGE)).encode() + b"\0" + path.read_bytes())
    return {"package": version("cramp-atlas"), "sha256": hashed.hexdigest()}


@cache
def libraries(names: tuple[str, ...]) -> str:
    """The versions of the libraries that a maker works with."""
    return ", ".join(f"{name} {version(name)}" for name in names)


@cache
def _digest(package: Path, makers: frozenset[str], named_otherwise: frozenset[str]) -> str:
    hashed = hashlib.sha256()
    modules = sorted(_imported(package, makers, named_otherwise))
    for module in modules:
        hashed.update(f"{module}\0{_read(package, module).parsed}\0".encode())
    folders = {_modules(package)[module].parent for module in modules} - {package}
    for path in sorted({path for folder in folders for path in folder.rglob(TEMPLATES)}):
        hashed.update(f"{path.relative_to(package)}\0".encode() + path.read_bytes() + b"\0")
    return hashed.hexdigest()


@cache
def _imported(package: Path, makers: frozenset[str], named_otherwise: frozenset[str]) -> frozenset[str]:
    found = set[str]()
    waiting = list(makers)
    while waiting:
        module = waiting.pop()
        if module not in found and module not in named_otherwise:
            found.add(module)
            waiting += [origin for taken in _read(package, module).imports for origin in _where(package, *taken)]
    return frozenset(found)


@cache
def _modules(package: Path) -> dict[str, Path]:
    """Name -> file of every module; a package has the name of its folder."""
    paths = {path.relative_to(package).with_suffix(""): path for path in package.rglob("*.py")}
    return {".".join(name.parts).removesuffix(".__init__"): path for name, path in paths.items() if name.parts != ("__init__",)}


@dataclass(frozen=True)
class _Read:
    """SHA-256 of the statements of a module, and (module of ours, name taken from it) of its imports."""

    parsed: str
    imports: frozenset[tuple[str, str]]


@cache
def _read(package: Path, module: str) -> _Read:
    tree = ast.parse(_modules(package)[module].read_bytes())
    imports = frozenset(taken for statement in _import_statements(tree) for taken in _taken(package, statement))
    for node in _statements(tree):
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
            node.body = [statement for statement in node.body if not _is_text(statement)]
    return _Read(hashlib.sha256(ast.dump(tree).encode()).hexdigest(), imports)


def _is_text(statement: ast.stmt) -> bool:
    return (
        isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant) and isinstance(statement.value.value, str)
    )


def _statements(node: ast.AST) -> Iterator[ast.AST]:
    """The node and all statements below it. No expression is walked into: none holds a statement."""
    yield node
    for part in _parts(node):
        yield from _statements(part)


def _parts(node: ast.AST) -> Iterator[ast.AST]:
    """The statements, handlers and cases that stand directly in a node."""
    for name in ("body", "handlers", "orelse", "finalbody", "cases"):
        parts = getattr(node, name, ())
        yield from parts if isinstance(parts, list) else ()


def _import_statements(node: ast.AST) -> Iterator[ast.Import | ast.ImportFrom]:
    for child in _parts(node):
        if isinstance(child, (ast.Import, ast.ImportFrom)):
            yield child
        elif isinstance(child, ast.If) and ast.unparse(child.test).endswith("TYPE_CHECKING"):
            for statement in child.orelse:
                yield from _import_statements(statement)
        else:
            yield from _import_statements(child)


def _taken(package: Path, statement: ast.Import | ast.ImportFrom) -> Iterator[tuple[str, str]]:
    prefix = f"{package.name}."
    if isinstance(statement, ast.Import):
        yield from ((alias.name.removeprefix(prefix), "") for alias in statement.names if alias.name.startswith(prefix))
    elif statement.module == package.name:
        yield from ((alias.name, "") for alias in statement.names)
    elif statement.module and statement.module.startswith(prefix):
        yield from ((statement.module.removeprefix(prefix), alias.name) for alias in statement.names)


def _where(package: Path, module: str, name: str) -> Iterator[str]:
    """Where a name that is taken from a module is defined: packages hold no code and only pass on names."""
    modules = _modules(package)
    if f"{module}.{name}" in modules:
        yield f"{module}.{name}"
    if modules[module].name != "__init__.py":
        yield module
    else:
        for origin, passed_on in _read(package, module).imports:
            if passed_on == name:
                yield from _where(package, origin, name)
