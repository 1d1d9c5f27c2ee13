"""Classes of medicines by code, from `data_contracts/drug_classes.csv`: versions of lists of ATC codes."""

import csv
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pipelines.machine.errors import ConfigurationError
from pipelines.machine.visible import commanding

COLUMNS = ["version", "drug_class", "label", "atc_code", "source"]

ATC_CODE = re.compile(r"[A-Z]([0-9]{2}([A-Z]([A-Z]([0-9]{2})?)?)?)?")
"""An ATC code of any of the five levels, such as C, C03, C03C, C03CA or C03CA01."""


@dataclass(frozen=True)
class DrugClass:
    """A class of medicines: those whose code is one of `codes`, or begins with one."""

    label: str
    codes: tuple[str, ...]


DrugClasses = Mapping[str, DrugClass]
"""Name -> class, of one version."""


def load_drug_classes(path: Path) -> dict[str, DrugClasses]:
    """Version -> its classes; none where there is no such file. Raises ConfigurationError with every line that is wrong."""
    if not path.exists():
        return {}
    rows = _rows(path)
    problems = [f"{path}, line {line}: {fault}." for line, fault in _faults(rows)]
    if problems:
        raise ConfigurationError(problems)
    versions: dict[str, dict[str, DrugClass]] = {}
    for _, (version, name, label, code, _source) in rows:
        before = versions.setdefault(version, {}).get(name)
        versions[version][name] = DrugClass(label, (*(before.codes if before else ()), code))
    return dict(versions)


def _rows(path: Path) -> list[tuple[int, list[str]]]:
    """The lines after the header, each with its number."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"{path}: byte {error.start} is not UTF-8. Save the file as UTF-8.") from error
    except OSError as error:
        raise ConfigurationError(f"{path}: cannot be read: {(error.strerror or 'no reason is given').lower()}.") from error
    if letter := commanding(text):
        raise ConfigurationError(f"{path}, {letter}.")
    reader = csv.reader(io.StringIO(text), strict=True)
    try:
        rows = [(reader.line_num, row) for row in reader if row]
    except csv.Error as error:
        raise ConfigurationError(f"{path}, line {reader.line_num}: is no CSV: is a quote not closed?") from error
    if not rows or rows[0][1] != COLUMNS:
        raise ConfigurationError(f"{path}, line 1: must have the columns {', '.join(COLUMNS)}, with commas between them.")
    return rows[1:]


def _faults(rows: Sequence[tuple[int, Sequence[str]]]) -> Iterator[tuple[int, str]]:
    labels: dict[tuple[str, str], str] = {}
    seen = set()
    for line, row in rows:
        if len(row) != len(COLUMNS):
            yield line, f"has {len(row)} fields where {len(COLUMNS)} are needed; text with a comma stands in double quotes"
            continue
        empty = [name for name, value in zip(COLUMNS, row, strict=True) if value.strip() != value or not value]
        if empty:
            yield line, f"{', '.join(empty)} is empty, or begins or ends with a space"
            continue
        version, name, label, code, _ = row
        if not ATC_CODE.fullmatch(code):
            yield line, f"{code} is no ATC code, such as C03C or C03CA01"
        if labels.setdefault((version, name), label) != label:
            yield line, f"{name} of {version} has another label above: {labels[version, name]}"
        if (version, name, code) in seen:
            yield line, f"names {code} in {name} of {version} twice: keep one"
        seen.add((version, name, code))
