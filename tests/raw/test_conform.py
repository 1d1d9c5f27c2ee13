"""A delivery has exactly the contract's columns and types, or every problem is named and no value is shown."""

import math
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from random import Random
from typing import Any

import polars as pl
import pyarrow as pa
import pytest

from pipelines.contracts.expectations import SchemaProblems
from pipelines.contracts.model import Contract
from pipelines.raw.casting import cast_values
from pipelines.raw.conform import conform
from tests.contracts.sleep_contract import good_frame

Load = Callable[..., Contract]

MARKER = "Marigold-86753"


def as_text(frame: pl.DataFrame) -> pl.DataFrame:
    """The frame as a CSV file delivers it."""
    return frame.with_columns(pl.all().cast(pl.String))


def problems_of(frame: pl.DataFrame, contract: Contract, wave: str = "second") -> list[str]:
    with pytest.raises(SchemaProblems) as raised:
        conform(frame, contract, wave)
    return raised.value.problems


def test_a_good_frame_becomes_the_promised_table(load: Load) -> None:
    contract = load()
    table = conform(good_frame().select(reversed(good_frame().columns)), contract, "second")
    assert table.schema.equals(contract.arrow_schema(), check_metadata=True)
    assert pl.DataFrame(table).equals(good_frame().cast({"person": pl.Int32, "cramps": pl.Int32, "hours": pl.Int32}))


def test_text_numbers_with_a_fraction_of_zero_and_floats_are_the_same_table(load: Load) -> None:
    contract = load()
    expected = conform(good_frame(), contract, "second")
    assert conform(as_text(good_frame()), contract, "second").equals(expected)
    floats = good_frame().with_columns(pl.col("person", "cramps", "hours").cast(pl.Float64))
    assert conform(floats, contract, "second").equals(expected)
    assert conform(as_text(floats), contract, "second").equals(expected)


def test_a_column_of_another_wave_is_null(load: Load) -> None:
    table = conform(good_frame().drop("is_pregnant"), load(), "first")
    assert table.column("is_pregnant").null_count == 4
    assert table.schema.field("is_pregnant").type == pa.bool_()


@pytest.mark.parametrize("blank", ["", " ", " \t "])
def test_blank_text_is_null(load: Load, blank: str) -> None:
    table = conform(
        as_text(good_frame()).with_columns(pl.lit(blank).alias("note"), pl.lit(blank).alias("cramps")), load(), "second"
    )
    assert table.column("note").null_count == 4
    assert table.column("cramps").null_count == 4


def test_text_keeps_its_blanks_around_words(load: Load) -> None:
    table = conform(good_frame().with_columns(note=pl.lit(" two words ")), load(), "second")
    assert table.column("note").to_pylist() == [" two words "] * 4


def test_a_column_without_values_fits_every_type(load: Load) -> None:
    frame = good_frame().with_columns(
        cramps=pl.lit("", pl.String), note=pl.lit(None, pl.Float64), is_pregnant=pl.lit(None, pl.Null)
    )
    table = conform(frame, load(), "second")
    assert [table.column(name).null_count for name in ("cramps", "note", "is_pregnant")] == [4, 4, 4]


def test_a_byte_order_mark_is_taken_off_the_first_name(load: Load) -> None:
    assert conform(good_frame().rename({"person": "\ufeffperson"}), load(), "second").column_names[0] == "person"


def test_a_frame_without_rows_becomes_an_empty_typed_table(load: Load) -> None:
    contract = load()
    table = conform(as_text(good_frame()).head(0), contract, "second")
    assert table.num_rows == 0
    assert table.schema.equals(contract.arrow_schema())


def test_all_problems_are_named_together(load: Load) -> None:
    frame = good_frame().rename({"cramps": "Cramps"}).drop("weight")
    frame = frame.with_columns(hours=pl.Series([8.5, 1.0, 99.0, 11.0]), extra=pl.lit(1), person_duplicated_0=pl.col("person"))
    assert problems_of(frame, load(), "first") == [
        "column cramps: expected (INTEGER), but not delivered; is it the delivered column 'Cramps'? Names are matched exactly, "
        "and this one differs in letter case only. "
        "Deliver the column, or give it a list of `waves` without first if this wave did not ask it.",
        "column weight: expected (DOUBLE), but not delivered. "
        "Deliver the column, or give it a list of `waves` without first if this wave did not ask it.",
        "column Cramps: delivered, but not in the contract of raw.sleep. "
        "Remove it, describe it there, or name it in `columnsLeftOut`.",
        "column is_pregnant: not expected in wave first, which did not ask it (only second). "
        "Remove the column, or add first to its `waves` in the contract.",
        "column extra: delivered, but not in the contract of raw.sleep. "
        "Remove it, describe it there, or name it in `columnsLeftOut`.",
        "column person: delivered more than once. Deliver it once.",
        "column hours: expected INTEGER, found 1 of 4 rows with values with a decimal fraction (delivered as Float64). "
        "Ask the provider for a corrected file, or change physicalType in the contract if the variable itself has changed.",
    ]


MISFITS = [
    ("hours", pl.Series([8.0, 30.5, 99.0, None]), "1 of 4 rows with values with a decimal fraction"),
    ("hours", pl.Series(["8", "30.5", "1e2", None]), "2 of 4 rows with values with a decimal fraction or an exponent"),
    ("hours", pl.Series(["8", "six", "sixteen", None]), "2 of 4 rows with texts of 3 to 7 characters that are not a number"),
    ("hours", pl.Series(["8", "٨", "1", None]), "1 of 4 rows with texts of 1 characters that are not a number"),
    ("hours", pl.Series([2**31, -(2**31) - 1, 1, 1]), "2 of 4 rows with values beyond the range of INTEGER"),
    (
        "hours",
        pl.Series(["99999999999999999999", "2147483648", "2147483647", "1"]),
        "1 of 4 rows with values beyond the range of BIGINT",
    ),
    ("hours", pl.Series([1.0, math.nan, math.inf, None]), "2 of 4 rows with values that are not finite"),
    ("hours", pl.Series([True, False, None, None]), "2 of 4 rows with values of type Boolean"),
    ("weight", pl.Series([1.0, math.nan, -math.inf, None]), "2 of 4 rows with values that are not finite"),
    ("weight", pl.Series(["1.5", "nan", "inf", "1e999"]), "2 of 4 rows with texts of 3 characters that are not a number"),
    ("weight", pl.Series(["1.5", "2,5", "1", None]), "1 of 4 rows with numbers whose decimal mark is ','"),
    ("note", pl.Series([1, 2, None, 4]), "3 of 4 rows with values of type Int64"),
    (
        "is_pregnant",
        pl.Series(["true", "yes", "FALSE", None]),
        "1 of 4 rows with texts of 3 characters that are not true or false",
    ),
    ("is_pregnant", pl.Series([1, 0, None, 1]), "3 of 4 rows with values of type Int64"),
]


@pytest.mark.parametrize(("name", "values", "expected"), MISFITS)
def test_values_of_another_type_are_counted(load: Load, name: str, values: pl.Series, expected: str) -> None:
    problems = problems_of(good_frame().with_columns(values.alias(name)), load())
    assert problems[0].startswith(f"column {name}: expected {load().column(name).type}, found {expected}")


def test_the_limits_of_an_integer_fit(load: Load) -> None:
    for values in (
        [-(2**31), 2**31 - 1, None, 0],
        ["-2147483648", "+2147483647", None, "0.0"],
        [-(2.0**31), 2.0**31 - 1, None, -0.0],
    ):
        table = conform(good_frame().with_columns(hours=pl.Series(values)), load(), "second")
        assert table.column("hours").to_pylist() == [-(2**31), 2**31 - 1, None, 0]


def test_decimals_and_smaller_integers_are_read_exactly(load: Load) -> None:
    frame = good_frame().with_columns(
        weight=pl.Series([Decimal("1.50"), None, Decimal("0.00"), Decimal("3.25")]),
        hours=pl.Series([8, 1, 99, 11], dtype=pl.UInt8),
    )
    assert conform(frame, load(), "second").column("weight").to_pylist() == [1.5, None, 0.0, 3.25]


def test_dates_and_times_are_read_from_iso_text(change: Load) -> None:
    dated = change("note", physicalType="DATE")
    assert conform(good_frame().with_columns(note=pl.lit("2007-02-28")), dated, "second").schema.field("note").type == pa.date32()
    assert (
        "2 of 4 rows"
        in problems_of(good_frame().with_columns(note=pl.Series(["2007-02-30", None, "28/02/2007", None])), dated)[0]
    )
    timed = change("note", physicalType="TIMESTAMP")
    table = conform(good_frame().with_columns(note=pl.lit("2007-02-28T04:05:06")), timed, "second")
    assert str(table.column("note")[0]) == "2007-02-28 04:05:06"


def test_a_file_without_header_does_not_show_its_first_record(load: Load) -> None:
    frame = pl.DataFrame({"41475": ["41476"], MARKER: ["x"]})
    assert problems_of(frame, load()) == [
        "none of the 2 delivered columns is a column of raw.sleep (6 columns, the first is person). "
        "Deliver the right file, with the names of the columns in its first line."
    ]


def test_an_extra_name_that_is_no_identifier_is_not_shown(load: Load) -> None:
    problems = problems_of(good_frame().with_columns(pl.lit(1).alias("Ann Marigold, 12 Elm St")), load())
    assert problems == [
        "column with a name of 23 characters that is no identifier (not shown): delivered, but not in the contract of raw.sleep. "
        "Remove it, describe it there, or name it in `columnsLeftOut`."
    ]


@pytest.mark.parametrize("name", ["person", "hours", "weight", "is_pregnant"])
def test_no_problem_shows_a_value(load: Load, name: str) -> None:
    frame = as_text(good_frame()).with_columns(pl.lit(MARKER).alias(name))
    text = "\n".join(problems_of(frame, load()))
    assert MARKER not in text
    assert "86753" not in text


EXACT: list[tuple[str, pl.Series, str, list[Any]]] = [
    ("decimal ids", pl.Series([Decimal(9007199254740993), Decimal(9007199254740995)]), "BIGINT", [2**53 + 1, 2**53 + 3]),
    ("decimal ids as text", pl.Series([Decimal(10**27 + 1), None]), "VARCHAR", [str(10**27 + 1), None]),
    ("unsigned ids as text", pl.Series([2**64 - 1, 1], dtype=pl.UInt64), "VARCHAR", [str(2**64 - 1), "1"]),
    ("unsigned ids", pl.Series([2**63 - 1], dtype=pl.UInt64), "BIGINT", [2**63 - 1]),
    ("decimal weights", pl.Series([Decimal("1.10"), Decimal("-0.25")]), "DOUBLE", [1.1, -0.25]),
    ("many decimals", pl.Series([Decimal("0.1234567890123456789")]), "DOUBLE", [0.1234567890123456789]),
    ("whole decimals", pl.Series([Decimal("5.00"), Decimal("7.00")]), "INTEGER", [5, 7]),
    ("midnights", pl.Series([datetime(2024, 1, 2), None]), "DATE", [date(2024, 1, 2), None]),
    ("days", pl.Series([date(2024, 1, 2)]), "TIMESTAMP", [datetime(2024, 1, 2)]),
    ("nanoseconds", pl.Series([datetime(2024, 1, 2, 3)], dtype=pl.Datetime("ns")), "TIMESTAMP", [datetime(2024, 1, 2, 3)]),
    ("a power of two", pl.Series([str(2**60)]), "DOUBLE", [2.0**60]),
]


@pytest.mark.parametrize(("values", "kind", "expected"), [case[1:] for case in EXACT], ids=[case[0] for case in EXACT])
def test_numbers_and_times_are_cast_to_the_last_digit(values: pl.Series, kind: str, expected: list[Any]) -> None:
    cast, misfits = cast_values(values, kind)
    assert cast.to_list() == expected
    assert not misfits


INEXACT: list[tuple[str, pl.Series, str, str]] = [
    ("decimal ids", pl.Series([Decimal(9007199254740993), Decimal(1)]), "DOUBLE", "more digits than a DOUBLE holds"),
    ("long decimals", pl.Series([Decimal("12345678901234567.25"), Decimal(1)]), "DOUBLE", "more digits than a DOUBLE holds"),
    ("whole numbers", pl.Series([2**53 + 1, 1]), "DOUBLE", "more digits than a DOUBLE holds"),
    ("unsigned", pl.Series([2**64 - 1, 1], dtype=pl.UInt64), "DOUBLE", "more digits than a DOUBLE holds"),
    ("text", pl.Series(["9007199254740993", "0.1"]), "DOUBLE", "more digits than a DOUBLE holds"),
    ("decimals", pl.Series([Decimal("1.5"), Decimal("1.0")]), "INTEGER", "a decimal fraction"),
    ("unsigned ids", pl.Series([2**63, 1], dtype=pl.UInt64), "BIGINT", "beyond the range of BIGINT"),
    ("times", pl.Series([datetime(2024, 1, 2, 3), datetime(2024, 1, 2)]), "DATE", "a time of day beside the date"),
    ("nanoseconds", pl.Series([1, 1_000]).cast(pl.Datetime("ns")), "TIMESTAMP", "finer than a microsecond"),
]


@pytest.mark.parametrize(("values", "kind", "words"), [case[1:] for case in INEXACT], ids=[case[0] for case in INEXACT])
def test_what_a_type_does_not_hold_to_the_last_digit_is_a_misfit(values: pl.Series, kind: str, words: str) -> None:
    cast, [misfit] = cast_values(values, kind)
    assert cast.null_count() == misfit.n_values == 1
    assert words in misfit.found


@pytest.mark.parametrize(
    ("text", "is_exact"),
    [
        ("12345678901234567.5", False),
        ("1234567890123456.25", True),
        ("9007199254740993e0", False),
        ("9007199254740992e0", True),
        ("1.7976931348623157e308", True),
        ("1e23", True),
        ("100000000000000000000001", False),
        ("99999999999999991611392", True),
        ("1e-400", False),
        ("1e-99999999999999999999", False),
        ("-1E-99999999999999999999", False),
        ("0e99999999999999999999", True),
        ("4.5100000000000001e+01", True),  # 45.1 as "%.16e" writes it
        ("9.9999999999999992e+22", True),
        ("1.2345678901234568e+17", True),
        ("1.2345678901234567e+16", False),
        ("-1.00000000000000011e+00", True),
        ("-0.0e5", True),
        ("0.1", True),
        ("3.1415926535897932384626", True),
    ],
)
def test_a_number_is_the_one_that_was_sent_or_is_counted(text: str, is_exact: bool) -> None:
    """The nearest DOUBLE stands for digits after the point; those before it, and an exponent, must be given back."""
    values, misfits = cast_values(pl.Series("x", [text]), "DOUBLE")
    assert values.to_list() == [float(text) if is_exact else None]
    assert [misfit.n_values for misfit in misfits] == ([] if is_exact else [1])


def test_a_decimal_is_read_as_its_text_is() -> None:
    values, [misfit] = cast_values(
        pl.Series("x", [Decimal("12345678901234567.5"), Decimal("1.5")], dtype=pl.Decimal(38, 1)), "DOUBLE"
    )
    assert values.to_list() == [None, 1.5]
    assert misfit.n_values == 1


def test_every_double_is_read_again_from_what_programs_write_of_it() -> None:
    draw = Random(3)
    sent = [draw.uniform(-1, 1) * 10.0 ** draw.randint(-300, 300) for _ in range(2_000)]
    for written in ("{:.16e}", "{:.17g}", "{:.20e}", "{!r}"):
        values, misfits = cast_values(pl.Series([written.format(number) for number in sent]), "DOUBLE")
        assert not misfits
        assert values.to_list() == sent


def test_a_number_beyond_every_double_is_told() -> None:
    for text in ("1e99999999999999999999", "-1e400"):
        values, [misfit] = cast_values(pl.Series(["1", text]), "DOUBLE")
        assert values.to_list() == [1.0, None]
        assert misfit.found == "values that are not finite (NaN or infinity)"
