"""Text in the files of an analyst that readers see: on the page, in tables, in figures and in Word."""

import re
import unicodedata
from collections.abc import Callable
from typing import Annotated, Any

from pydantic import AfterValidator

LONGEST_LINE = 200
"""Characters of a label or a title: what a heading, a cell and an axis have room for."""

BREAKS = {"Zl", "Zp"}
"""Unicode's categories of what separates lines and paragraphs."""

NOT_IN_NAMES = '/\\:*?"<>|'
"""What no file system, or not every one, allows in the name of a file."""

LONGEST_NAME = 60
"""Characters of a name that becomes a part of the name of a file."""


UNFINISHED = re.compile(r"\bTODO\b")
"""Marks what a draft leaves to a person."""


def refused(fault_of: Callable[[Any], str | None]) -> Callable[[Any], Any]:
    """A validator that refuses a value with what the function says of it."""

    def check(value: Any) -> Any:
        fault = fault_of(value)
        if fault:
            raise ValueError(fault)
        return value

    return check


def line_fault(text: str) -> str | None:
    """Why a text cannot stand in one line that readers see; None where it can."""
    line = text.rstrip("\n")
    if any(character in "\n\r\t" or unicodedata.category(character) in BREAKS for character in line):
        return "must be one line without tabs: where it is long, write it with `>-`"
    if len(line) > LONGEST_LINE:
        return f"must have at most {LONGEST_LINE} characters, which tables and figures have room for; found {len(line)}"
    return text_fault(line)


def text_fault(text: str) -> str | None:
    """Why a text of one or more lines cannot be shown; None where it can. What commands is refused where files are read."""
    return None if folded(text) else "must not be empty"


def name_fault(name: str) -> str | None:
    """Why a name cannot be that of a file or folder on any machine; None where it can."""
    if not folded(name):
        return "must not be empty"
    if not name.isprintable():
        return "must not hold a line break, a tab or a character that is not seen"
    if name != name.strip() or name[0] in "." or name[-1] == ".":
        return "must not begin or end with a blank or a dot"
    if any(character in NOT_IN_NAMES for character in name):
        return f"must not hold any of {' '.join(NOT_IN_NAMES)}"
    return f"must have at most {LONGEST_NAME} characters; found {len(name)}" if len(name) > LONGEST_NAME else None


def folded(text: str) -> str:
    """A text without what readers cannot tell apart: letter case, blanks, what has no width, and two ways to write a letter."""
    seen = (character for character in unicodedata.normalize("NFKC", text) if unicodedata.category(character) != "Cf")
    return " ".join("".join(seen).casefold().split())


def written(text: str | None) -> str | None:
    """A text for readers; None where its author has not written it yet: there is none, or a TODO is left in it."""
    return None if text is None or UNFINISHED.search(text) else text.strip()


Line = Annotated[str, AfterValidator(refused(line_fault))]
"""Text that a page or a table shows in one line."""

Words = Annotated[str, AfterValidator(refused(text_fault))]
"""Text of one or more lines."""
