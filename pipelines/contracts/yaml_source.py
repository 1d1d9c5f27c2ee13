"""A YAML file with its line numbers, so that an error in a contract can say where to look."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from pipelines.machine.errors import ConfigurationError
from pipelines.machine.visible import command_in

Location = Sequence[str | int]

YAML_WORDS = {
    "found character that cannot start any token": "a tab or a reserved character (@, `, %) stands here: indent with blanks, "
    "and put text that begins with such a character in quotes",
    "found a tab character that violates indentation": "a tab indents this line: indent with blanks",
    "mapping values are not allowed here": "a second `: ` stands in this line, or it is indented further than the one before: "
    "put text that holds `: ` in quotes",
    "mapping values are not allowed in this context": "a second `: ` stands in this line, or it is indented further than the one "
    "before: put text that holds `: ` in quotes",
    "could not find expected ':'": "a key without `:` stands here or in the line before",
    "did not find expected key": "a key is expected here: is the indentation that of its neighbours, and is a quote inside text "
    "doubled?",
    "did not find expected ',' or '}'": "a `{` is not closed, or a comma is missing",
    "did not find expected ',' or ']'": "a `[` is not closed, or a comma is missing",
    "did not find expected node content": "a `[` or `{` is not closed, or a value is missing",
    "found unexpected end of stream": "a quote is not closed",
    "control characters are not allowed": "a control character stands in the file: remove it",
    "expected a single document in the stream": "a line `---` begins a second document: one file holds one",
    "but found another document": "a line `---` begins a second document: one file holds one",
    "found undefined alias": "`*` refers to an anchor (`&`) that no line above has: put text that begins with `*` in quotes",
    "expected a mapping or list of mappings for merging, but found scalar": "`<<` merges a mapping, and this is none",
    "block sequence entries are not allowed in this context": "a `-` begins a list in a line that has a key already: put it in a "
    "line of its own, or in quotes",
    "did not find expected '-' indicator": "a list and keys stand at the same place: indent one of them further",
}
"""What the YAML parser says -> what to do."""

NO_WORDS = {
    "tag:yaml.org,2002:timestamp": "a date",
    "tag:yaml.org,2002:bool": "true or false",
    "tag:yaml.org,2002:float": "a number",
    "tag:yaml.org,2002:null": "nothing",
}
"""What YAML takes an unquoted key for -> how that is called. A whole number is told where names are expected."""

ANOTHER_NUMBER = re.compile(r"[-+]?(0[0-7_]+|\d[\d_]*(:\d\d?)+(\.[\d_]*)?)")
"""What YAML counts in eights, because it begins with 0, or in sixties, because of its colons."""

_COMPOSER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # libyaml where it is built in: ten times faster


class ContractError(ConfigurationError):
    """A contract, codebook or their folder cannot be used."""


@dataclass(frozen=True)
class YamlSource:
    """The content of one YAML file and where each of its fields stands."""

    path: Path
    content: dict[str, Any]
    root: yaml.Node

    def place(self, location: Location) -> str:
        """The file and line of a field, e.g. `data_contracts/raw/x.odcs.yaml, line 12 (schema.0.name)`.

        A field that is not there is placed at the nearest one around it.
        """
        node: yaml.Node | None = self.root
        line = self.root.start_mark.line
        for step in location:
            node, line = _child(node, step, line)
            if node is None:
                break
        field_name = ".".join(str(step) for step in location)
        return f"{self.path}, line {line + 1}" + (f" ({field_name})" if field_name else "")


@dataclass
class ProblemList:
    """Collects what is wrong with one YAML file, so that all of it is reported together."""

    source: YamlSource
    problems: list[str] = field(default_factory=list)

    def add(self, location: Location, message: str) -> None:
        """Note one problem at a field."""
        self.problems.append(f"{self.source.place(location)}: {message}")


def read_yaml(path: Path) -> YamlSource:
    """Read a YAML file that holds one mapping.

    Raises ContractError where it cannot be read, is not UTF-8, not YAML, not a mapping, or names a field twice (YAML itself
    would keep the last one in silence).
    """
    text = ""
    try:
        text = path.read_text(encoding="utf-8-sig")
        root = yaml.compose(text, Loader=_COMPOSER)
    except OSError as error:
        raise ContractError([f"{path}: cannot be read: {(error.strerror or 'no reason is given').lower()}."]) from error
    except UnicodeDecodeError as error:
        raise ContractError([f"{path}: byte {error.start} is not UTF-8. Save the file as UTF-8."]) from error
    except yaml.YAMLError as error:
        raise ContractError([_not_yaml(path, error, text)]) from error
    except RecursionError as error:
        raise ContractError([f"{path}: brackets or lists are nested too deeply."]) from error
    if not isinstance(root, yaml.MappingNode):
        kind = "nothing" if root is None else "a list or a single value"
        raise ContractError([f"{path}, line 1: expected a mapping of fields (`key: value`), found {kind}."])
    problems = [f"{path}, line {line}: {problem}" for problem, line in _wrong(root)]
    if problems:
        raise ContractError(problems)
    try:
        content = yaml.SafeLoader("").construct_document(root)
    except yaml.YAMLError as error:
        raise ContractError([_not_yaml(path, error)]) from error
    except ValueError as error:  # 2026-02-30 looks like a date and is none
        raise ContractError(
            [f"{path}{_no_date(root)}: a value looks like a date or a number and is none: put it in quotes."]
        ) from error
    return YamlSource(path, content, root)


def _not_yaml(path: Path, error: yaml.YAMLError, text: str = "") -> str:
    mark, position = getattr(error, "problem_mark", None), getattr(error, "position", None)
    before = text.encode()[:position].count(b"\n") if position is not None else None
    number = mark.line if mark else before
    line = f", line {number + 1}" if number is not None else ""
    said = getattr(error, "problem", None) or getattr(error, "reason", None) or "it cannot be parsed"
    words = YAML_WORDS.get(said, said)
    return f"{path}{line}: not valid YAML: {words}" + ("" if words.endswith("?") else ".")


def _no_date(root: yaml.Node) -> str:
    """The line of the first value that YAML takes for something that it cannot make."""
    for node in _nodes(root):
        try:
            yaml.SafeLoader("").construct_document(node) if isinstance(node, yaml.ScalarNode) else None
        except ValueError:
            return f", line {node.start_mark.line + 1}"
    return ""


def _nodes(root: yaml.Node) -> Iterator[yaml.Node]:
    """A node and all below it, in order and each once: an alias leads to one that was looked at."""
    ahead, seen = [root], set[int]()
    while ahead:
        node = ahead.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        yield node
        if isinstance(node, yaml.MappingNode):
            ahead += [part for pair in reversed(node.value) for part in reversed(pair)]
        elif isinstance(node, yaml.SequenceNode):
            ahead += reversed(node.value)


def _wrong(root: yaml.Node) -> Iterator[tuple[str, int]]:
    """(problem, line) of everything that YAML would let pass."""
    separators = _separators(root)
    for node in _nodes(root):
        if isinstance(node, yaml.MappingNode):
            yield from _wrong_keys(node)
        elif isinstance(node, yaml.ScalarNode):
            yield from _other_number(node)
            if id(node) not in separators and (found := command_in(node.value)):
                yield f"a text {found}.", node.start_mark.line + 1


def _separators(root: yaml.Node) -> set[int]:
    """What separates the fields of a file, which may be a character that is not seen."""
    mappings = [node for node in _nodes(root) if isinstance(node, yaml.MappingNode)]
    return {id(value) for node in mappings for key, value in node.value if key.value == "separator"}


def _child(node: yaml.Node | None, step: str | int, line: int) -> tuple[yaml.Node | None, int]:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if key.value == str(step):
                return value, key.start_mark.line
    if isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
        return node.value[step], node.value[step].start_mark.line
    return None, line


def _other_number(node: yaml.ScalarNode) -> Iterator[tuple[str, int]]:
    """(problem, line) of a number that YAML takes for another than is written."""
    is_number = node.tag in {"tag:yaml.org,2002:int", "tag:yaml.org,2002:float"}
    if is_number and ANOTHER_NUMBER.fullmatch(node.value):
        number = yaml.SafeLoader("").construct_document(node)
        yield (
            f"`{node.value}` is read as the number {number}: write numbers without leading 0 and colons, and text in quotes.",
            node.start_mark.line + 1,
        )


def _wrong_keys(node: yaml.MappingNode) -> Iterator[tuple[str, int]]:
    """(problem, line) of keys that are given twice, and that are no words."""
    names: set[str] = set()
    for key, _ in node.value:
        line = key.start_mark.line + 1
        if not isinstance(key, yaml.ScalarNode):
            yield "a key must be a word: put text that begins with `{` or `[` in quotes.", line
            continue
        if key.value in names:
            yield f"`{key.value}` is given twice. Keep one.", line
        names.add(key.value)
        if key.tag in NO_WORDS:
            yield f"`{key.value}` is read as {NO_WORDS[key.tag]} and not as a name: put it in quotes.", line
