"""Strict casts of delivered columns to physical types: a value that does not fit is counted, never bent, never shown."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from math import isfinite

import polars as pl

from pipelines.contracts.columns import NUMERIC_TYPES, POLARS_TYPES, WHOLE_NUMBER_TYPES

WHOLE_NUMBER = r"^[+-]?[0-9]+(\.0*)?$"
DECIMAL_NUMBER = r"^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?$"

EXACT_DIGITS = 15
"""A DOUBLE gives back every number of so many digits."""

LONG = rf"^[+-]?[0-9]{{{EXACT_DIGITS + 1},}}|[eE]"
"""Texts that may have more of them before the point."""

NOT_ZERO = "^[^eE]*[1-9]"

INEXACT = "numbers of more digits than a DOUBLE holds"

ISO_DATE = r"^[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}$"
ISO_TIME = r"^[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}[ T][0-9]{1,2}:[0-5]?[0-9]:[0-5]?[0-9](\.[0-9]{1,6}0*)?$"
"""A year of two digits is no year, and a time that is finer than a microsecond would be cut."""

YEAR_0 = "0000-"
"""Before the year 1 there is none that DATE and those who read it hold."""

MARKS_OF_MISSING = ("NA", "N/A", "#N/A", "NULL", "null", "NaN", "nan", "na", "n/a", "-", ".")
"""What programs write where a value is missing; they are texts unless they are declared."""

OTHER_MARK = {".": ",", ",": "."}


@dataclass(frozen=True)
class Misfit:
    """How many values of a column do not fit, and what they are instead."""

    n_values: int
    what: str

    @property
    def found(self) -> str:
        """What they are, in words that show none of them."""
        return self.what

    def and_of(self, other: "Misfit") -> "Misfit":
        """The same of two pieces of one column."""
        return replace(self, n_values=self.n_values + other.n_values)


@dataclass(frozen=True)
class TextMisfit(Misfit):
    """Texts that are not `what`: by their lengths, the marks of missing values among them, and other decimal marks."""

    lengths: tuple[int, int] | None = None
    marks: Mapping[str, int] = field(default_factory=dict)
    decimal: str = "."
    n_of_other_decimal: int = 0

    @property
    def found(self) -> str:
        if self.n_of_other_decimal == self.n_values:
            return f"numbers whose decimal mark is {OTHER_MARK[self.decimal]!r} where the source's file declares {self.decimal!r}"
        span = " to ".join(str(length) for length in dict.fromkeys(self.lengths or ()))
        return f"texts of {span} characters that are not {self.what}{_marks_in(self.marks)}"

    def and_of(self, other: Misfit) -> "TextMisfit":
        assert isinstance(other, TextMisfit)
        lengths = [*(self.lengths or ()), *(other.lengths or ())]
        return replace(
            self,
            n_values=self.n_values + other.n_values,
            lengths=(min(lengths), max(lengths)) if lengths else None,
            marks=Counter(self.marks) + Counter(other.marks),
            n_of_other_decimal=self.n_of_other_decimal + other.n_of_other_decimal,
        )


def together(one: Sequence[Misfit], other: Sequence[Misfit]) -> list[Misfit]:
    """What `cast_piece` says of two pieces of one column, as it would of both at once."""
    if not one or not other:
        return [*one, *other]
    return [misfit.and_of(its_like) for misfit, its_like in zip(one, other, strict=True)]


def cast_values(values: pl.Series, kind: str, decimal: str = ".") -> tuple[pl.Series, list[Misfit]]:
    """A delivered column in the physical type `kind`, and what did not fit; of a whole column, and otherwise as `cast_piece`."""
    read, misfits = cast_piece(values, kind, decimal)
    return read, [misfit for misfit in misfits if misfit.n_values]


def cast_piece(values: pl.Series, kind: str, decimal: str = ".") -> tuple[pl.Series, list[Misfit]]:
    """A delivered column, or some rows of it, in the physical type `kind`, and what did not fit (NULL in the result).

    Blank text is NULL. A column without any value fits every type. Text is read as numbers, true/false and ISO dates; a
    number is never read from a boolean, nor text from a number, but for decimals and whole numbers of a type that may exceed
    BIGINT, whose digits are their text. No two whole numbers become one: what a type does not hold to the last digit is a
    misfit. Midnights are dates, and dates midnights; other times of day fit TIMESTAMP only. `decimal` stands in numbers of text
    for the decimal point; no other mark does, and none groups thousands. Every misfit that there might be is listed, in an order
    that hangs on the types alone, so that those of pieces add up; none for rows without any value.
    """
    if values.dtype in (pl.Categorical, pl.Enum):
        values = values.cast(pl.String)
    if values.dtype == pl.String:
        values = values.set(values.str.strip_chars() == "", None)
    wanted = POLARS_TYPES[kind]
    if values.null_count() == len(values):
        return pl.Series(values.name, [None] * len(values), wanted), []
    if values.dtype == pl.String:
        return _from_text(values, kind, decimal)
    if kind == "VARCHAR" and _may_exceed_bigint(values.dtype):
        return values.cast(pl.String), []
    if kind in NUMERIC_TYPES and values.dtype.is_decimal():
        return _from_decimals(values, kind)
    if kind in NUMERIC_TYPES and values.dtype.is_numeric():
        return _from_numbers(values, kind)
    if kind in ("DATE", "TIMESTAMP") and values.dtype in (pl.Date, pl.Datetime):
        return _from_instants(values, kind)
    if values.dtype == wanted:
        return values, []
    misfit = Misfit(len(values) - values.null_count(), f"values of type {values.dtype.base_type()}")
    return pl.Series(values.name, [None] * len(values), wanted), [misfit]


def _from_text(values: pl.Series, kind: str, decimal: str) -> tuple[pl.Series, list[Misfit]]:
    if kind == "VARCHAR":
        return values, []
    text = values.str.strip_chars()
    if kind in NUMERIC_TYPES:
        return _numbers_from_text(text, kind, decimal)
    if kind == "BOOLEAN":
        read = text.str.to_lowercase().replace_strict({"true": True, "false": False}, default=None, return_dtype=pl.Boolean)
    elif kind == "DATE":
        is_date = text.str.contains(ISO_DATE) & ~text.str.starts_with(YEAR_0)
        read = text.set(~is_date, None).str.to_date("%Y-%m-%d", strict=False)
    else:
        is_instant = text.str.contains(ISO_TIME) & ~text.str.starts_with(YEAR_0)
        whole = text.set(~is_instant, None).str.replace("T", " ", literal=True)
        read = whole.str.to_datetime("%Y-%m-%d %H:%M:%S%.f", strict=False, time_unit="us")
    names = {"BOOLEAN": "true or false", "DATE": "a date (YYYY-MM-DD)", "TIMESTAMP": "a time (YYYY-MM-DD HH:MM:SS)"}
    return read, [_text_misfit(text.filter(text.is_not_null() & read.is_null()), names[kind])]


def _numbers_from_text(text: pl.Series, kind: str, decimal: str) -> tuple[pl.Series, list[Misfit]]:
    pointed = _with_point(text, decimal)
    is_number = pointed.str.contains(DECIMAL_NUMBER)
    others = text.filter(text.is_not_null() & ~is_number)
    by_other_mark = int(_with_point(others, OTHER_MARK[decimal]).str.contains(DECIMAL_NUMBER).sum()) if len(others) else 0
    no_number = replace(_text_misfit(others, "a number"), decimal=decimal, n_of_other_decimal=by_other_mark)
    numbers = pointed.set(~is_number, None)
    if kind == "DOUBLE":
        inexact = _inexact_text(numbers)
        doubles = numbers.set(inexact, None).cast(pl.Float64)
        vanished = ((doubles == 0) & numbers.str.contains(NOT_ZERO)).fill_null(False)
        inexact |= vanished
        read, misfits = _from_numbers(doubles.set(vanished, None), kind)
        return read, [no_number, Misfit(int(inexact.sum()), INEXACT), *misfits]
    is_whole = numbers.str.contains(WHOLE_NUMBER)
    fraction = Misfit(int((~is_whole).sum()), "values with a decimal fraction or an exponent")
    whole = numbers.set(~is_whole, None)
    read = whole.str.replace(r"\.0*$", "").str.strip_prefix("+").cast(pl.Int64, strict=False)
    beyond = Misfit(int((whole.is_not_null() & read.is_null()).sum()), _beyond("BIGINT"))
    read, misfits = _from_numbers(read, kind)
    return read, [no_number, fraction, beyond, *misfits]


def _with_point(text: pl.Series, decimal: str) -> pl.Series:
    """Numbers with a decimal point in place of another mark; a point that stood there before makes no number."""
    return text if decimal == "." else text.str.replace_all(".", "?", literal=True).str.replace(decimal, ".", literal=True)


def _from_numbers(values: pl.Series, kind: str) -> tuple[pl.Series, list[Misfit]]:
    misfits = []
    if values.dtype.is_float():
        is_finite = values.is_finite()
        misfits.append(Misfit(int((~is_finite).sum()), "values that are not finite (NaN or infinity)"))
        values = values.set(~is_finite, None)
    if kind in WHOLE_NUMBER_TYPES and values.dtype.is_float():
        is_whole = values.floor() == values
        misfits.append(Misfit(int((~is_whole).sum()), "values with a decimal fraction"))
        values = values.set(~is_whole, None)
    if kind == "DOUBLE":
        inexact = _inexact_integers(values)
        misfits.append(Misfit(int(inexact.sum()), INEXACT))
        values = values.set(inexact, None)
    read = values.cast(POLARS_TYPES[kind], strict=False)
    misfits.append(Misfit(int((values.is_not_null() & read.is_null()).sum()), _beyond(kind)))
    return read, misfits


def _may_exceed_bigint(dtype: pl.DataType) -> bool:
    return dtype in (pl.UInt64, pl.Int128) or dtype.is_decimal()


def _from_decimals(values: pl.Series, kind: str) -> tuple[pl.Series, list[Misfit]]:
    """Decimal numbers by their digits, as text is."""
    return _numbers_from_text(values.cast(pl.String), kind, ".")


def _inexact_text(numbers: pl.Series) -> pl.Series:
    """Which texts have more digits before the point than a DOUBLE gives back; a fraction is the nearest DOUBLE."""
    is_long = numbers.str.contains(LONG).fill_null(False)
    flags = [_is_inexact(text) for text in numbers.filter(is_long).to_list()]
    found = pl.Series(numbers.name, [False] * len(numbers), dtype=pl.Boolean)
    return found.scatter(is_long.arg_true(), flags) if flags else found


def _is_inexact(text: str) -> bool:
    """Whether digits before the point are lost: the DOUBLE is another number, and is not written like this one either.

    What has an exponent was written by a program that counts in DOUBLE, with any number of digits; bare digits may be an
    identifier, for which only all of them or the fewest that tell one DOUBLE from the next will do.
    """
    read = float(text)
    has_exponent = "e" in text.lower()
    if not isfinite(read):
        return not has_exponent  # with an exponent it is told as beyond every DOUBLE
    if read == 0:  # what is too small for any DOUBLE is told as such
        return False
    number = Decimal(text)
    if number.adjusted() < EXACT_DIGITS or number in (Decimal(read), Decimal(repr(read))):
        return False
    n_digits = len("".join(map(str, number.as_tuple().digits)).strip("0"))
    return not has_exponent or Decimal(f"{read:.{n_digits - 1}e}") != number


def _inexact_integers(values: pl.Series) -> pl.Series:
    if values.dtype.is_float():
        return pl.Series(values.name, [False] * len(values), dtype=pl.Boolean)
    return (values.cast(pl.Float64).cast(pl.Int128) != values.cast(pl.Int128)).fill_null(False)


def _from_instants(values: pl.Series, kind: str) -> tuple[pl.Series, list[Misfit]]:
    """Dates and times of any unit; with a zone, none: the reader says what a clock showed."""
    if isinstance(values.dtype, pl.Datetime) and values.dtype.time_zone is not None:
        return pl.Series(values.name, [None] * len(values), POLARS_TYPES[kind]), [
            Misfit(len(values) - values.null_count(), "instants with a time zone")
        ]
    read = values.cast(POLARS_TYPES[kind])
    lost = (read.cast(values.dtype) != values).fill_null(False)
    what = "a time of day beside the date" if kind == "DATE" else "times finer than a microsecond"
    return read.set(lost, None), [Misfit(int(lost.sum()), what)]


def _beyond(kind: str) -> str:
    return f"values beyond the range of {kind}"


def _quoted(mark: str) -> str:
    return mark if mark in ("NA", "N/A", "na", "n/a") else f'"{mark}"'


def _text_misfit(texts: pl.Series, what: str) -> TextMisfit:
    lengths = texts.str.len_chars()
    span = (int(lengths.min()), int(lengths.max())) if len(texts) else None  # type: ignore[arg-type]
    counts = texts.filter(texts.is_in(MARKS_OF_MISSING)).value_counts(sort=True).rows()
    return TextMisfit(len(texts), what, span, dict(counts))


def _marks_in(counts: Mapping[str, int]) -> str:
    """Well-known marks of missing values among the texts, in brackets; they may be shown, because they are nobody's answer."""
    if not counts:
        return ""
    ordered = sorted(counts.items(), key=lambda item: -item[1])
    listed = ", ".join(f"{n:,} read `{mark}`" for mark, n in ordered)
    return f" ({listed}: if that marks a missing value, {how_to_declare(ordered[0][0])})"


def how_to_declare(mark: str) -> str:
    """What to write so that a mark is read as a missing value."""
    return f"declare `form: {{missing: {_quoted(mark)}}}` in the source's file, or `missing` for the column in the contract"
