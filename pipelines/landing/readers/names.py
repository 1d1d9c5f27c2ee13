"""Names of files, folders, sheets, members and columns: equal where only their Unicode form differs (NFC, NFD of macOS)."""

import re
import unicodedata
from collections.abc import Iterable

COMPOSED = {"cp1258"}
"""Encodings that write one letter as two marks, which every reader puts together."""


def composed(name: str) -> str:
    """The name in the composed form (NFC), which almost every program but macOS writes."""
    return unicodedata.normalize("NFC", name)


def column_name(name: str) -> str:
    """The name of a column as contracts name it: composed, and on one line."""
    return composed(re.sub(r"\s*[\r\n\u2028\u2029]+\s*", " ", name))


def difference(name: str, other: str) -> str | None:
    """What alone tells two names apart, in words; None where they are really different, or the same."""
    if name == other:
        return None
    if composed(name) == composed(other):
        return "in Unicode form only"
    if composed(name).casefold() == composed(other).casefold():
        return "in letter case only"
    if _bare(name) == _bare(other):
        return "in blanks, letter case or Unicode form only"
    return None


def _bare(name: str) -> str:
    return "".join(unicodedata.normalize("NFKC", name).casefold().replace("\u200b", "").replace("\ufeff", "").split())


def name_hint(wanted: str, names: Iterable[str]) -> str:
    """A half sentence for an error about a name that is not there; empty where none is alike."""
    found = next((how for name in names if (how := difference(wanted, name))), None)
    return f" (one differs {found})" if found else ""
