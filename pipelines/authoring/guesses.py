"""What the texts of a delivered file look like, for the TODO lines of a draft about what nobody said: shapes in place of values.

A shape has 9 for a digit, A or a for a letter, and other characters as they are.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import pairwise

import polars as pl

from pipelines.contracts.columns import PhysicalType
from pipelines.project.form import Form
from pipelines.raw.casting import MARKS_OF_MISSING, how_to_declare

N_SHAPES = 3
MAX_SHAPE = 24

WESTERN = 256
"""Characters before this one are those of Latin-1."""

COMMA_NUMBER = re.compile(r"[+-]?[0-9]*,[0-9]+")
GROUPED = re.compile(r"[+-]?[0-9]{1,3}(?:,[0-9]{3})+(?:\.[0-9]+)?|[+-]?[0-9]{1,3}(?:[ '’\u00a0\u202f][0-9]{3})+(?:[.,][0-9]+)?")
GROUPED_BY_POINTS = re.compile(r"[+-]?[1-9][0-9]{0,2}(?:\.[0-9]{3})+(?:,[0-9]+)?")
ANSWERS = re.compile(r"[0-9]{1,2}(?:[,;][0-9]{1,2})+")
DATE_LIKE = re.compile(r"[0-9]{1,4}([-/.])[0-9]{1,2}\1[0-9]{1,4}(?:[ T][0-9].*)?")
WITH_EXPONENT = re.compile(r"[0-9]+[eE][0-9]+")
ROUNDED_BY_EXPONENT = re.compile(r"[+-]?[0-9](?:[.,][0-9]+)?[eE]\+[0-9]+")


def shapes(texts: Sequence[str]) -> str:
    """The commonest shapes, quoted."""
    counts = Counter(_shape(text) for text in texts)
    return ", ".join(f"`{shape}`" for shape, _ in counts.most_common(N_SHAPES))


def _shape(text: str) -> str:
    shape = "".join(_mark_of(character) for character in text)
    return shape if len(shape) <= MAX_SHAPE else f"{shape[:MAX_SHAPE]}..."


def _mark_of(character: str) -> str:
    """Its kind; signs of western encodings are shown as they are, because they tell a wrong one."""
    kind = unicodedata.category(character)
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


def mark_in(values: pl.Series, decimal: str, is_guessed: bool) -> str:
    """The decimal mark of a column: a guessed comma only where a comma in the column can be nothing else, or there is none."""
    if not is_guessed or decimal != "," or has_decimal_commas(values):
        return decimal
    return "." if any("," in text for text in texts_of(values)) else decimal


def guesses_of_form(frame: pl.DataFrame, form: Form, told: Form) -> list[str]:
    """What is guessed of a file's form and nobody told, one line each with its evidence."""
    found = []
    texts = [text for values in frame for text in texts_of(values)]
    if form.encoding != told.encoding and not form.encoding.startswith("utf"):
        beyond = [text for text in [*frame.columns, *texts] if not text.isascii()]
        found.append(
            f"encoding: the file is not UTF-8, and {form.encoding} is a guess; with it, texts have the shapes {shapes(beyond)}. "
            "If these are no words, it is another: Polish and Czech files are often cp1250, Cyrillic cp1251, Greek cp1253, "
            "Turkish cp1254, Baltic cp1257. Draft it again with --encoding"
        )
    if form.decimal != told.decimal:
        commas = [text for values in frame if has_decimal_commas(values) for text in texts_of(values) if "," in text]
        found.append(f"decimal: a comma is a guess, from numbers of the shapes {shapes(commas)}")
    return found


def has_decimal_commas(values: pl.Series) -> bool:
    """Whether a comma can only be the decimal mark in this column: in no field may it group digits or separate answers."""
    texts = [text for text in texts_of(values) if "," in text]
    return bool(texts) and all(COMMA_NUMBER.fullmatch(text) for text in texts) and any(map(_is_decimal_alone, texts))


def _is_decimal_alone(text: str) -> bool:
    return not GROUPED.fullmatch(text) and not _is_ascending(text)


def _is_ascending(text: str) -> bool:
    """Whether it may be a list of codes, as a question with several answers gives it: 1,3 but not 3,0 or 170,5."""
    if not ANSWERS.fullmatch(text):
        return False
    codes = [int(code) for code in re.split("[,;]", text)]
    return all(code < after for code, after in pairwise(codes)) and not re.search(r"[,;]0[0-9]", text)


def notes_on(values: pl.Series, kind: PhysicalType, without_marks: PhysicalType | None) -> Iterator[str]:
    """What a person has to decide about a column that is drafted as `kind`, one sentence each.

    `without_marks` is its type where texts such as NA were missing values.
    """
    texts = texts_of(values)
    if not texts:
        return
    if kind == "DOUBLE":
        yield from _notes_on_numbers(texts)
    if kind == "VARCHAR":
        yield from _notes_on_marks(values, without_marks)
        yield from _notes_on_texts([text for text in texts if text not in MARKS_OF_MISSING])


def _notes_on_numbers(texts: Sequence[str]) -> Iterator[str]:
    fractions = [text for text in texts if "." in text]
    if fractions and all(GROUPED_BY_POINTS.fullmatch(text) for text in fractions):
        yield f"numbers of the shapes {shapes(fractions)}: is the point their decimal mark, or does it group thousands?"
    rounded = [text for text in texts if ROUNDED_BY_EXPONENT.fullmatch(text)]
    if rounded:
        yield (
            f"numbers of the shapes {shapes(rounded)}: a spreadsheet writes long identifiers so, and has lost their last digits; "
            "ask for them as text if they are any"
        )


def _notes_on_marks(values: pl.Series, without_marks: PhysicalType | None) -> Iterator[str]:
    stripped = values.str.strip_chars()
    counts = stripped.filter(stripped.is_in(MARKS_OF_MISSING)).value_counts(sort=True).rows()
    for mark, n in counts:
        others = f"; the other cells fit {without_marks}" if without_marks not in (None, "VARCHAR") else ""
        yield f"{n:,} of {len(values):,} cells read `{mark}`: if that marks a missing value, {how_to_declare(mark)}{others}"


def _notes_on_texts(texts: Sequence[str]) -> Iterator[str]:
    commas = [text for text in texts if COMMA_NUMBER.fullmatch(text) or GROUPED.fullmatch(text) or ANSWERS.fullmatch(text)]
    numbers = [text for text in texts if re.search("[0-9]", text)]
    if commas and len(commas) + sum(bool(re.fullmatch("[+-]?[0-9]+", text)) for text in texts) == len(texts):
        yield (
            f"texts of the shapes {shapes(commas)}: several answers in one cell, thousands, or decimal numbers? "
            'Answers stay text; of grouped thousands ask for plain numbers; decimal commas are declared (`form: {decimal: ","}`) '
            "and their column is DOUBLE"
        )
    dates = [text for text in numbers if DATE_LIKE.fullmatch(text)]
    if dates and len(dates) == len(texts):
        yield f"texts of the shapes {shapes(dates)}: if these are dates, ask for YYYY-MM-DD with all four digits of the year"
    exponents = [text for text in texts if WITH_EXPONENT.fullmatch(text)]
    if exponents:
        yield f"texts of the shapes {shapes(exponents)}: identifiers with a letter E, which stay text, or numbers?"
