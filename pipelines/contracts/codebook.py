"""Codebooks: received value, code, meaning and kind of missing, per variable of one table.

A missing code belongs to its variable: 7 refuses one question and answers another. How unlisted values are judged is in
`rules`.
"""

import csv
import hashlib
import io
import json
from collections.abc import Collection
from dataclasses import astuple, dataclass
from pathlib import Path

import polars as pl

from pipelines.contracts.yaml_source import ContractError
from pipelines.machine.visible import commanding

HEADER = ["variable", "received", "code", "meaning", "kind_of_missing"]
KINDS_OF_MISSING = ("refused", "dont_know", "not_asked", "missing")


@dataclass(frozen=True)
class Code:
    """One line of a codebook. `code` and `kind_of_missing` are None where the line leaves them empty."""

    variable: str
    received: str
    code: str | None
    meaning: str
    kind_of_missing: str | None


@dataclass(frozen=True)
class Codebook:
    """The listed values of a table's variables, in file order."""

    path: Path
    codes: tuple[Code, ...]

    def received(self, variable: str) -> list[str]:
        """The values listed for a variable, as delivered and as text."""
        return [code.received for code in self.codes if code.variable == variable]

    @property
    def variables(self) -> list[str]:
        """The variables listed, in file order."""
        return list(dict.fromkeys(code.variable for code in self.codes))

    @property
    def digest(self) -> str:
        """SHA-256 of the lines: changes with any of them, not with the layout of the file."""
        return hashlib.sha256(json.dumps([astuple(code) for code in self.codes]).encode()).hexdigest()

    def frame(self) -> pl.DataFrame:
        """The lines as text columns, as SQL sees them under `codebook.<table>`; empty fields are NULL."""
        return pl.DataFrame([astuple(code) for code in self.codes], schema=dict.fromkeys(HEADER, pl.String), orient="row")


def read_codebook(path: Path, variables: Collection[str]) -> Codebook:
    """Read a codebook and check it against the variables that its table has.

    Raises ContractError with every problem: header, number of fields, unknown variable or kind of missing, a received
    value listed twice, a line without code and kind.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise ContractError([f"{path}: byte {error.start} is not UTF-8. Save the file as UTF-8."]) from error
    if letter := commanding(text):
        raise ContractError([f"{path}, {letter}."])
    reader = csv.reader(io.StringIO(text), strict=True)
    try:
        lines = [(reader.line_num, fields) for fields in reader if fields]
    except csv.Error as error:
        raise ContractError([f"{path}, line {reader.line_num}: not valid CSV: {error}."]) from error
    if not lines or lines[0][1] != HEADER:
        raise ContractError([f"{path}, line 1: the header must be `{','.join(HEADER)}`."])
    problems: list[str] = []
    codes: list[Code] = []
    seen: set[tuple[str, str]] = set()
    for number, fields in lines[1:]:
        place = f"{path}, line {number}"
        if len(fields) != len(HEADER):
            problems.append(f"{place}: expected {len(HEADER)} fields, found {len(fields)}. Quote a meaning that holds a comma.")
            continue
        variable, received, code, meaning, kind = (field.strip() for field in fields)
        if variable not in variables:
            problems.append(f"{place}: the table has no variable {variable!r}. Correct the name here or in the contract.")
        if (variable, received) in seen:
            problems.append(f"{place}: {variable} lists the value {received!r} twice. Keep one line.")
        if not received or not meaning:
            problems.append(f"{place}: `received` and `meaning` must both be given.")
        if kind and kind not in KINDS_OF_MISSING:
            problems.append(f"{place}: kind_of_missing {kind!r} is unknown. Use one of {', '.join(KINDS_OF_MISSING)}.")
        if not code and not kind:
            problems.append(f"{place}: {variable} {received!r} has neither a code nor a kind_of_missing. Give one.")
        seen.add((variable, received))
        codes.append(Code(variable, received, code or None, meaning, kind or None))
    if problems:
        raise ContractError(problems)
    return Codebook(path, tuple(codes))
