"""A CSV file that an analyst keeps about the literature: its columns, what a cell of each must be, and reading it whole."""

import csv
import io
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from pipelines.machine.faults import known
from pipelines.machine.visible import commanding

NUMBER = re.compile(r"-?\d+(\.\d+)?")

Row = dict[str, str | None]
Fault = str | None


def one_of(allowed: Sequence[str]) -> Callable[[str], Fault]:
    return lambda text: None if text in allowed else f"must be one of {', '.join(allowed)}; {known(allowed, text)}"


def whole(text: str) -> Fault:
    return None if text.isdecimal() else f"must be a whole number; found {text!r}"


def number(text: str) -> Fault:
    return None if NUMBER.fullmatch(text) else f"must be a number such as 1.42; found {text!r}"


def day(text: str) -> Fault:
    try:
        date.fromisoformat(text)
    except ValueError:
        return f"must be a day such as 2026-11-29; found {text!r}"
    return None


def anything(text: str) -> Fault:
    return None


@dataclass(frozen=True)
class LiteratureFile:
    """The columns of a file, what a cell of each must be, which must not be empty, and which one names the row, if one does."""

    name: str
    key: str | None
    columns: Mapping[str, Callable[[str], Fault]]
    required: tuple[str, ...]


def rows_of(path: Path, file: LiteratureFile, problems: list[str]) -> list[tuple[int, Row]]:
    """(line, row) of a file that is whole; what is wrong with it is added to `problems`."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        problems.append(f"{path}: byte {error.start} is not UTF-8. Save the file as UTF-8.")
        return []
    except OSError as error:
        problems.append(f"{path}: cannot be read: {(error.strerror or 'no reason is given').lower()}.")
        return []
    if letter := commanding(text):
        problems.append(f"{path}, {letter}.")
        return []
    reader = csv.reader(io.StringIO(text), strict=True)
    try:
        lines = [(reader.line_num, cells) for cells in reader if cells]
    except csv.Error:
        problems.append(f"{path}, line {reader.line_num}: is no CSV: is a quote not closed?")
        return []
    columns = list(file.columns)
    if not lines or lines[0][1] != columns:
        problems.append(f"{path}, line 1: must have the columns {', '.join(columns)}, with commas between them.")
        return []
    found = len(problems)
    rows: list[tuple[int, Row]] = []
    first: dict[str, int] = {}
    for line, cells in lines[1:]:
        if len(cells) != len(columns):
            wanted = f"has {len(cells)} fields where {len(columns)} are needed; text with a comma stands in double quotes"
            problems.append(f"{path}, line {line}: {wanted}.")
            continue
        row: Row = {name: cell.strip() or None for name, cell in zip(columns, cells, strict=True)}
        problems += [f"{path}, line {line}: {fault}." for fault in _faults(row, file)]
        key = (row[file.key] or "") if file.key else str(line)
        if first.setdefault(key, line) != line:
            problems.append(f"{path}, line {line}: {file.key} {key} stands in line {first[key]}, too.")
        rows.append((line, row))
    return rows if len(problems) == found else []


def _faults(row: Row, file: LiteratureFile) -> Iterator[str]:
    for name, fault_of in file.columns.items():
        cell = row[name]
        if cell is None:
            if name in file.required:
                yield f"{name} is empty"
        elif fault := fault_of(cell):
            yield f"{name} {fault}"
