"""What a draft leaves to a person about the values of a column: one sentence each, with shapes for evidence and never a value."""

import re
from collections.abc import Iterator, Sequence
from datetime import date

import polars as pl

from pipelines.authoring.shapes import shapes, texts_of
from pipelines.contracts.columns import NUMERIC_TYPES, WHOLE_NUMBER_TYPES, PhysicalType
from pipelines.landing.readers.sniffing import COMMA_NUMBER
from pipelines.raw.casting import DECIMAL_NUMBER, ISO_DATE, MARKS_OF_MISSING, how_to_declare

GROUPED = re.compile(r"[+-]?[0-9]{1,3}(?:,[0-9]{3})+(?:\.[0-9]+)?|[+-]?[0-9]{1,3}(?:[ '’\u00a0\u202f][0-9]{3})+(?:[.,][0-9]+)?")
GROUPED_BY_POINTS = re.compile(r"[+-]?[1-9][0-9]{0,2}(?:\.[0-9]{3})+(?:,[0-9]+)?")
ANSWERS = re.compile(r"[0-9]{1,2}(?:[,;| ] ?[0-9]{1,2})+")
DATE_LIKE = re.compile(
    r"[0-9]{1,4}([-/.])[0-9]{1,2}\1[0-9]{1,4}(?:[ Tt][0-9].*)?|[0-9]{1,2}[-./ ]+[^\W\d_]{3,}\.?[-./ ]+[0-9]{2,4}"
    r"|[^\W\d_]{3,}\.? [0-9]{1,2},? [0-9]{4}|[0-9]{4}-(?:[0-9]{2}|W[0-9]{2}(?:-[0-9])?)"
)
ISO_INSTANT = re.compile(r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}[ Tt][0-9].*")
TIME_LIKE = re.compile(r"[0-9]{1,3}:[0-9]{2}(?::[0-9]{2}(?:[.,][0-9]+)?)?(?: ?[AaPp]\.?[Mm]\.?)?")
WITH_EXPONENT = "[+-]?[0-9]+[eE][0-9]+"
"""1E2 may be a name, and is another one than 10E1."""

ROUNDED_BY_EXPONENT = re.compile(r"[+-]?[0-9](?:[.,][0-9]+)?[eE]\+[0-9]+")
DIGITS = re.compile("[+-]?[0-9]+")
WITH_ZERO = "[+-]?0[0-9]+"
READ_TWICE = re.compile("[\u00c2\u00c3][\u0080-\u00bf]")
"""Letters of UTF-8 that were read as Latin-1 and written again."""

MOST_EXACT = 2.0**53
"""Whole floating-point numbers from here on are not all there."""

FIRST_DATE, LAST_DATE = 18_000_101, 21_001_231
"""Numbers of eight digits between these may be dates."""

N_AT_AN_END = 2
"""So many first or last records may be something else than records."""


def notes_on(values: pl.Series, typed: pl.Series, kind: PhysicalType, without_marks: PhysicalType | None) -> Iterator[str]:
    """What a person has to decide about a column that is drafted as `kind`, one sentence each.

    `values` is the column as delivered, `typed` in its type. `without_marks` is its type where texts such as NA were missing.
    """
    texts = texts_of(values)
    if kind in NUMERIC_TYPES:
        yield from _notes_on_numbers(values, typed, kind)
    if kind == "DOUBLE":
        yield from _notes_on_decimals(texts)
    if kind == "VARCHAR" and texts:
        yield from _notes_on_marks(values, without_marks)
        others = [text for text in texts if text not in MARKS_OF_MISSING]
        found = list(_notes_on_texts(others))
        yield from found or _notes_on_some(values)
    if any(READ_TWICE.search(text) for text in texts):
        yield "texts with signs such as Ã before others: letters of UTF-8 that a program took for Latin-1; ask for them again"


def _notes_on_numbers(values: pl.Series, typed: pl.Series, kind: PhysicalType) -> Iterator[str]:
    """About any column of numbers."""
    if values.dtype == pl.String and (n_signs := int(values.str.strip_chars().str.starts_with("+").sum())):
        yield f"{n_signs:,} numbers with a plus sign, which is not kept: if these are telephone numbers or codes, take VARCHAR"
    if values.dtype.is_float() and (n_long := int((values.abs() >= MOST_EXACT).sum())):
        yield (
            f"{n_long:,} numbers of more digits than a program that counts in floating point keeps: if they are identifiers, the "
            "last digits are lost; ask for them as text"
        )
    if kind in WHOLE_NUMBER_TYPES and _are_dates(typed):
        yield "all numbers read as dates, YYYYMMDD: if they are, ask for YYYY-MM-DD"


def _are_dates(typed: pl.Series) -> bool:
    numbers = typed.drop_nulls().unique()
    if not len(numbers) or not numbers.is_between(FIRST_DATE, LAST_DATE).all():
        return False
    return bool(numbers.cast(pl.String).str.to_date("%Y%m%d", strict=False).is_not_null().all())


def _notes_on_decimals(texts: Sequence[str]) -> Iterator[str]:
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
    """About a column of texts that are all alike."""
    commas = [text for text in texts if COMMA_NUMBER.fullmatch(text) or GROUPED.fullmatch(text) or ANSWERS.fullmatch(text)]
    n_plain = sum(bool(DIGITS.fullmatch(text)) for text in texts)
    exponents = [text for text in texts if re.fullmatch(WITH_EXPONENT, text)]
    zeros = [text for text in texts if re.fullmatch(WITH_ZERO, text)]
    if commas and len(commas) + n_plain == len(texts):
        yield (
            f"texts of the shapes {shapes(commas)}: several answers in one cell, thousands, or decimal numbers? "
            'Answers stay text; of grouped thousands ask for plain numbers; decimal commas are declared (`form: {decimal: ","}`) '
            "and their column is DOUBLE"
        )
    elif texts and all(DATE_LIKE.fullmatch(text) for text in texts):
        yield from _notes_on_dates(texts)
    elif texts and all(TIME_LIKE.fullmatch(text) for text in texts):
        yield f"texts of the shapes {shapes(texts)}: times of day or durations stay text; to count with them, ask for seconds"
    elif zeros and n_plain == len(texts):
        yield f"texts of the shapes {shapes(zeros)} that begin with a zero: identifiers, which stay text, or numbers?"
    elif exponents:
        yield f"texts of the shapes {shapes(exponents)}: identifiers with a letter E, which stay text, or numbers?"
    elif n_plain < len(texts) and not any(map(_is_no_number, texts)):
        yield f"texts of the shapes {shapes(texts)}: they stay text; if they are numbers, ask for digits and a decimal mark alone"


def _is_no_number(text: str) -> bool:
    return not re.search("[0-9]", text) or bool(re.search(r"[^\W\d_]", text))


def _notes_on_dates(texts: Sequence[str]) -> Iterator[str]:
    if all(re.match(ISO_DATE, text) for text in texts):
        n_none = sum(not _is_day(text) for text in texts)
        yield (
            f"{n_none:,} of {len(texts):,} different texts of the shapes {shapes(texts)} are no days of the calendar, the others "
            "fit DATE: marks of missing values, or slips?"
        )
    elif all(ISO_INSTANT.fullmatch(text) or re.match(ISO_DATE, text) for text in texts):
        yield (
            f"texts of the shapes {shapes(texts)}: if these are instants, ask for YYYY-MM-DD HH:MM:SS, up to 23:59:59, "
            "no finer than a microsecond, on the clock of one place and without its zone"
        )
    else:
        yield f"texts of the shapes {shapes(texts)}: if these are dates, ask for YYYY-MM-DD with all four digits of the year"


def _is_day(text: str) -> bool:
    try:
        date(*map(int, text.split("-")))
    except ValueError:
        return False
    return True


def _notes_on_some(values: pl.Series) -> Iterator[str]:
    """About the cells of a column that are no numbers, where at least half are."""
    text = values.str.strip_chars()
    given = text.set((text == "").fill_null(True) | text.is_in(MARKS_OF_MISSING), None)
    is_number = given.str.contains(DECIMAL_NUMBER)
    rows = (given.is_not_null() & ~is_number.fill_null(True)).arg_true().to_list()
    n_given = len(given) - given.null_count()
    if not rows or 2 * len(rows) > n_given:
        return
    others = shapes([given[row] for row in rows])
    if n_given > len(rows) and rows[-1] < min(N_AT_AN_END, len(values) - 1):
        yield (
            f"numbers but for the first {_records(rows[-1] + 1)} (shapes {others}): labels or units below the names of the "
            "columns? Remove what is no record"
        )
    elif rows[0] >= max(1, len(values) - N_AT_AN_END):
        yield (
            f"numbers but for the last {_records(len(values) - rows[0])} (shapes {others}): totals or notes below the records? "
            "Remove what is no record"
        )
    else:
        yield (
            f"{len(rows):,} of {n_given:,} cells are no numbers (shapes {others}): categories, slips, or marks of missing values "
            "(declare `missing`)?"
        )


def _records(n: int) -> str:
    return "record" if n == 1 else f"{n} records"
