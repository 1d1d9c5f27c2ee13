"""A YAML file with its line numbers, so that an error in a contract can say where to look."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from pipelines.machine.errors import ConfigurationError

Location = Sequence[str | int]

_COMPOSER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # libyaml where it is built in: ten times faster


class ContractError(ConfigurationError):
    """A contract, codebook or their folder cannot be used. The message has one line per problem, each with its place."""

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = list(problems)
        super().__init__("\n".join(self.problems))


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

    Raises ContractError where it is not UTF-8, not YAML, not a mapping, or names a field twice (YAML itself would keep
    the last one in silence).
    """
    try:
        root = yaml.compose(path.read_text(encoding="utf-8-sig"), Loader=_COMPOSER)
    except UnicodeDecodeError as error:
        raise ContractError([f"{path}: byte {error.start} is not UTF-8. Save the file as UTF-8."]) from error
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f", line {mark.line + 1}" if mark else ""
        raise ContractError([f"{path}{line}: not valid YAML: {getattr(error, 'problem', None) or error}."]) from error
    if not isinstance(root, yaml.MappingNode):
        raise ContractError(
            [f"{path}: expected a mapping of fields, found {'nothing' if root is None else 'a list or a single value'}."]
        )
    twice = [f"{path}, line {line}: `{name}` is given twice. Keep one." for name, line in _names_given_twice(root)]
    if twice:
        raise ContractError(twice)
    try:
        content = yaml.SafeLoader("").construct_document(root)
    except yaml.YAMLError as error:
        raise ContractError([f"{path}: not valid YAML: {error}."]) from error
    return YamlSource(path, content, root)


def _child(node: yaml.Node | None, step: str | int, line: int) -> tuple[yaml.Node | None, int]:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if key.value == step:
                return value, key.start_mark.line
    if isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
        return node.value[step], node.value[step].start_mark.line
    return None, line


def _names_given_twice(node: yaml.Node) -> Iterator[tuple[str, int]]:
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            if key.value in seen:
                yield key.value, key.start_mark.line + 1
            seen.add(key.value)
            yield from _names_given_twice(value)
    elif isinstance(node, yaml.SequenceNode):
        for value in node.value:
            yield from _names_given_twice(value)
