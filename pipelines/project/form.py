"""The form of a delivered file, as far as its format leaves it open. It is declared, never guessed."""

import codecs
import re
from pathlib import PurePosixPath
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict

SEPARATORS = {".csv": ",", ".tsv": "\t"}
"""What stands between the fields of a text file unless its form says otherwise."""

YAML_WORDS = ("null", "true", "false", "yes", "no", "on", "off", "none", "nan")
"""Words that YAML takes for something else than text, or a reader of YAML might."""

NO_SEPARATOR = re.compile(r'["\r\n\0\w ]')


def path_fault(name: str) -> str | None:
    """Why a path does not stay below the folder it is relative to; None where it does."""
    if not name.strip() or "\0" in name:
        return "is empty or holds a NUL character"
    if "://" in name:
        return "is a web address; name the file as it lies in landing"
    if "\\" in name:
        return "holds a backslash; write / between folders"
    if re.match("[A-Za-z]:", name) or name.startswith("/"):
        return "is absolute; write it relative to its folder"
    if ".." in PurePosixPath(name).parts:
        return "leads out of its folder (..)"
    return None


def _inside(name: str) -> str:
    fault = path_fault(name)
    if fault:
        raise ValueError(f"the path {fault}")
    return name


def _text_codec(name: str) -> str:
    try:
        codec = codecs.lookup(name)
    except LookupError:
        raise ValueError(f"{name!r} is no encoding that Python knows, such as utf-8, utf-16 or cp1252") from None
    if not getattr(codec, "_is_text_encoding", True):
        raise ValueError(f"{name!r} is no encoding of text")
    return name


def _one_character(separator: str) -> str:
    if len(separator) != 1 or NO_SEPARATOR.match(separator):
        raise ValueError('one character such as "," or ";" or "\\t" separates fields, no letter, digit, space or quote')
    return separator


def _as_marks(given: object) -> object:
    """One mark may be given without a list; a mark is text as it stands in the file."""
    marks = [given] if isinstance(given, str) else given
    if not isinstance(marks, (list, tuple)) or any(not isinstance(mark, str) or not mark.strip() for mark in marks):
        raise ValueError('a mark of missing values is text in quotes, such as "NA" or "-", or a list of such')
    return tuple(mark.strip() for mark in marks)


InsidePath = Annotated[str, AfterValidator(_inside)]
"""A path below the folder it is relative to."""


class Form(BaseModel):
    """`form:` of a file in `data_contracts/sources/<source>.yaml`.

    `missing` (cells that read exactly so are missing: of a text file those without quotes, and all in columns that are no text),
    `encoding` (text, SPSS, Stata, SAS), `separator` (text; by default a tab in .tsv, else a comma), `decimal` (numbers that are
    delivered as text), `sheet` (workbooks of several), `member` (ZIP archives and SAS transport files of several), `catalogue`
    (the .sas7bcat beside a .sas7bdat that holds its value labels, where it has another name).
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    encoding: Annotated[str, AfterValidator(_text_codec)] = "utf-8"
    separator: Annotated[str, AfterValidator(_one_character)] | None = None
    decimal: Literal[".", ","] = "."
    sheet: str | None = None
    member: InsidePath | None = None
    catalogue: InsidePath | None = None
    missing: Annotated[tuple[str, ...], BeforeValidator(_as_marks)] = ()

    @property
    def is_utf8(self) -> bool:
        return codecs.lookup(self.encoding).name == "utf-8"

    def separator_of(self, suffix: str) -> str:
        return self.separator or SEPARATORS[suffix]

    def declaration(self) -> str:
        """What to write into the source's file for it."""
        parts = [f"{name}: {_quoted(value)}" for name, value in self.model_dump(exclude_defaults=True).items() if value]
        return f"form: {{{', '.join(parts)}}}"


def _quoted(value: str | tuple[str, ...]) -> str:
    if isinstance(value, tuple):
        return f"[{', '.join(map(_quoted, value))}]"
    if re.fullmatch("[A-Za-z][A-Za-z0-9_-]+", value) and value.lower() not in YAML_WORDS:
        return value
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"').replace("\t", "\\t") + '"'
