"""Shapes in place of values: what texts of a delivered file look like, for people who decide about them.

A shape has 9 for a digit, A or a for a letter, and other characters as they are.
"""

import unicodedata
from collections import Counter
from collections.abc import Sequence

import polars as pl

from pipelines.machine.visible import spelled

N_SHAPES = 3
MAX_SHAPE = 24

QUOTE = "`"

UNSEEN = ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")
"""Unicode's categories of what has no shape of its own."""

WESTERN = 256
"""Characters before this one are those of Latin-1."""


def shapes(texts: Sequence[str]) -> str:
    """The commonest shapes, quoted."""
    counts = Counter(_shape(text) for text in texts)
    return ", ".join(f"{QUOTE}{shape}{QUOTE}" for shape, _ in counts.most_common(N_SHAPES))


def _shape(text: str) -> str:
    shape = "".join(_mark_of(character) for character in text)
    return shape if len(shape) <= MAX_SHAPE else f"{shape[:MAX_SHAPE]}..."


def _mark_of(character: str) -> str:
    """Its kind; signs of western encodings are shown as they are, because they tell a wrong one.

    What is not seen, ends a line or ends the quotation is spelled out, such as `\\x0a`.
    """
    kind = unicodedata.category(character)
    if kind in UNSEEN or (kind == "Zs" and character != " ") or character == QUOTE:
        return spelled(character)
    if kind.startswith("N"):
        return "9"
    if kind.startswith(("L", "M")):
        return "A" if character.isupper() else "a"
    return character if ord(character) < WESTERN or character == "’" else "?"


def texts_of(values: pl.Series) -> list[str]:
    """The distinct texts of a column without blanks around them; none where it is no text."""
    if values.dtype != pl.String:
        return []
    found = values.drop_nulls().str.strip_chars().unique(maintain_order=True).to_list()
    return [text for text in found if text]
