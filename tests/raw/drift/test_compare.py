"""One change to a good pair of tables gives exactly that finding."""

from pathlib import Path

import duckdb
import numpy as np
import polars as pl
import pytest

from pipelines.project.study import DriftThresholds
from pipelines.raw.drift.compare import (
    MIN_ROWS,
    Finding,
    chance_absence,
    chance_shift,
    chance_variation,
    compare,
    row_count,
)
from pipelines.raw.drift.counting import Variable
from tests.raw.drift.tables import VARIABLES, answers, beyond, findings, side

NUMBER = pl.col("id")


def only(found: list[Finding], column: str | None, kind: str) -> Finding:
    [finding] = [finding for finding in found if (finding.column, finding.kind) == (column, kind)]
    return finding


def test_equal_tables_have_no_drift_and_every_column_is_accounted_for(tmp_path: Path) -> None:
    found = findings(tmp_path, answers(), answers())
    assert beyond(found) == []
    assert {finding.column for finding in found} == {None, *(variable.name for variable in VARIABLES)}
    assert all(finding.statistic == 0 for finding in found if finding.kind != "not_applicable")


@pytest.mark.parametrize(
    ("change", "column", "kind"),
    [
        (pl.when(NUMBER < 150).then(1).otherwise("snores").cast(pl.Int32).alias("snores"), None, None),
        (pl.when(NUMBER < 300).then(1).otherwise("snores").cast(pl.Int32).alias("snores"), "snores", "distribution"),
        (pl.when(NUMBER < 10).then(3).otherwise("snores").cast(pl.Int32).alias("snores"), "snores", "codes_appeared"),
        (pl.when(pl.col("snores") == 9).then(1).otherwise("snores").cast(pl.Int32).alias("snores"), "snores", "codes_vanished"),
        (pl.when(NUMBER < 90).then(9).otherwise("snores").cast(pl.Int32).alias("snores"), "snores", "missing_share"),
        (pl.when(NUMBER >= 95).then("hours").alias("hours"), "hours", "missing_share"),
        (pl.when(pl.col("hours") < 77).then(pl.col("hours") + 10).otherwise("hours").alias("hours"), "hours", "distribution"),
        (pl.when(pl.col("hours") == 77).then(5).otherwise("hours").cast(pl.Int32).alias("hours"), "hours", "codes_vanished"),
        ((NUMBER % 5 < 2).alias("takes_statin"), "takes_statin", "distribution"),
        ((pl.col("weight_kg") * 1.2).alias("weight_kg"), "weight_kg", "distribution"),
        ((pl.col("children") % 2).cast(pl.Int32).alias("children"), "children", "distribution"),
        ((NUMBER + 5_000).cast(pl.Int32).alias("id"), None, None),
    ],
)
def test_one_change_gives_exactly_its_finding(tmp_path: Path, change: pl.Expr, column: str | None, kind: str | None) -> None:
    found = findings(tmp_path, answers(), answers().with_columns(change))
    assert beyond(found) == ([(column, kind)] if kind else [])


@pytest.mark.parametrize(
    ("before", "after", "column", "kind"),
    [
        (answers().drop("children"), answers(), "children", "column_added"),
        (answers(), answers().drop("children"), "children", "column_removed"),
        (answers(), answers().with_columns(pl.col("children").cast(pl.Float64)), "children", "column_retyped"),
        (answers().rename({"children": "child"}), answers(), "children", "column_renamed"),
        (answers(), answers(700), None, "row_count"),
        (answers(), answers(1_300), None, "row_count"),
    ],
)
def test_a_change_of_shape_gives_exactly_its_finding(
    tmp_path: Path, before: pl.DataFrame, after: pl.DataFrame, column: str | None, kind: str
) -> None:
    assert beyond(findings(tmp_path, before, after)) == [(column, kind)]


@pytest.mark.parametrize(
    "before",
    [
        # another name, another content, another type as delivered
        answers().rename({"children": "steps"}),
        answers().with_columns(child=(pl.col("children") + 7).cast(pl.Int32)).drop("children"),
        answers().with_columns(child=pl.col("children").cast(pl.Float64)).drop("children"),
    ],
)
def test_a_column_that_is_not_alike_is_removed_and_added(tmp_path: Path, before: pl.DataFrame) -> None:
    assert {kind for _, kind in beyond(findings(tmp_path, before, answers()))} == {"column_removed", "column_added"}


def test_two_columns_that_hardly_anybody_was_asked_are_not_a_renamed_one(tmp_path: Path) -> None:
    rarely = pl.when(NUMBER % 50 == 0).then(pl.col("children"))
    before = answers().with_columns(child=rarely).drop("children")
    after = answers().with_columns(children=(rarely + 7).cast(pl.Int32))
    assert beyond(findings(tmp_path, before, after)) == [("children", "column_added"), ("child", "column_removed")]


def test_what_was_not_remembered_is_said_and_not_guessed(tmp_path: Path) -> None:
    before = side(tmp_path / "before.parquet", answers(), delivered={})
    after = side(tmp_path / "after.parquet", answers())
    with duckdb.connect(":memory:") as connection:
        found = compare(connection, before, after, VARIABLES, DriftThresholds())
    assert "what was delivered before was not remembered" in only(found, None, "not_applicable").detail
    assert only(found, "hours", "distribution").is_beyond is False


def test_a_table_has_one_line_for_all_that_cannot_be_compared(tmp_path: Path) -> None:
    before = side(tmp_path / "before.parquet", answers(), delivered={})
    after = side(tmp_path / "after.parquet", answers(MIN_ROWS - 1))
    with duckdb.connect(":memory:") as connection:
        found = compare(connection, before, after, VARIABLES, DriftThresholds())
    said = only(found, None, "not_applicable").detail
    assert f"fewer than {MIN_ROWS} rows" in said
    assert "what was delivered before was not remembered" in said


@pytest.mark.parametrize(("rows", "is_compared"), [(MIN_ROWS - 1, False), (MIN_ROWS, True)])
def test_few_rows_are_not_compared_and_say_so(tmp_path: Path, rows: int, is_compared: bool) -> None:
    found = findings(tmp_path, answers(), answers(rows))
    assert [finding.kind for finding in found if finding.column == "hours"] == (
        ["distribution", "missing_share"] if is_compared else []
    )
    assert any("fewer than 100 rows" in finding.detail for finding in found) is not is_compared
    assert only(found, None, "row_count").is_beyond


def test_an_empty_table_is_compared_by_its_rows_only(tmp_path: Path) -> None:
    found = findings(tmp_path, answers(0), answers(0))
    assert only(found, None, "row_count").statistic == 0
    assert only(findings(tmp_path, answers(0), answers()), None, "row_count").statistic == 1


def test_text_of_many_values_is_compared_by_what_is_missing_only(tmp_path: Path) -> None:
    variables = (Variable("drug", "VARCHAR"),)
    before = answers().select(drug=pl.format("drug {}", NUMBER))
    after = before.with_columns(drug=pl.when(pl.col("drug") > "drug 3").then("drug"))
    found = findings(tmp_path, before, after, variables)
    assert "text of more than 20 different values" in only(found, "drug", "not_applicable").detail
    assert beyond(found) == [("drug", "missing_share")]


@pytest.mark.parametrize(
    ("before", "after", "statistic", "is_beyond"),
    [(1_000, 800, 0.2, False), (1_000, 799, 0.201, True), (800, 1_000, 0.2, False), (500, 1_000, 0.5, True), (0, 0, 0, False)],
)
def test_row_counts_are_compared_by_the_larger(before: int, after: int, statistic: float, is_beyond: bool) -> None:
    finding = row_count(before, after, threshold=0.2)
    assert finding.statistic == pytest.approx(statistic, abs=1e-15)
    assert finding.is_beyond is is_beyond


@pytest.mark.parametrize(("shift", "is_beyond"), [(0.25, False), (0.2499, True)])
def test_a_statistic_at_its_threshold_is_not_beyond_it(tmp_path: Path, shift: float, is_beyond: bool) -> None:
    # a quarter of the people move from no child to one
    after = answers().with_columns(children=pl.max_horizontal("children", 1).cast(pl.Int32))
    finding = only(findings(tmp_path, answers(), after, shift=shift), "children", "distribution")
    assert finding.statistic == 0.25
    assert (finding.threshold, finding.is_beyond) == (shift, is_beyond)


def test_few_rows_raise_the_threshold_to_what_chance_gives(tmp_path: Path) -> None:
    after = answers(120).with_columns(hours=pl.when(NUMBER >= 12).then("hours"))
    finding = only(findings(tmp_path, answers(120), after), "hours", "missing_share")
    # sqrt(ln(2 / 0.001) (1/120 + 1/120) / 2)
    assert finding.threshold == pytest.approx(0.25167, abs=1e-5)
    assert finding.is_beyond is False


def test_chance_alone_is_below_its_bounds() -> None:
    """Counted by numpy on samples of one distribution: the bounds hold, and are not so wide that they never could bind."""
    random = np.random.default_rng(1)
    n, levels, pairs = 200, 5, 2_000
    counts = random.multinomial(n, [1 / levels] * levels, size=(pairs, 2)) / n
    variation = np.abs(counts[:, 0] - counts[:, 1]).sum(axis=1) / 2
    assert chance_variation((n, n), levels) / 2 < variation.max() < chance_variation((n, n), levels)
    shares = random.binomial(n, 0.5, size=(pairs, 2)) / n
    assert chance_shift((n, n)) / 2 < np.abs(shares[:, 0] - shares[:, 1]).max() < chance_shift((n, n))
    absent = (random.binomial(n, chance_absence(n), size=100_000) == 0).mean()
    assert 0.0003 < absent < 0.001


def test_unlisted_values_are_counted_and_only_short_numbers_are_named(tmp_path: Path) -> None:
    change = [
        pl.when(NUMBER < 30).then(31).when(NUMBER < 60).then(123_456).otherwise("snores").cast(pl.Int32).alias("snores"),
        pl.when(NUMBER < 40).then(pl.lit("Mrs Miller")).otherwise("sex").alias("sex"),
        (pl.col("hours") * 7).cast(pl.Int32).alias("hours"),
    ]
    found = findings(tmp_path, answers(), answers().with_columns(change))
    assert only(found, "snores", "codes_appeared").detail == "31 and 1 more (not shown): in 6.0% of the rows now, in none before"
    assert only(found, "sex", "codes_appeared").detail == "1 more (not shown): in 4.0% of the rows now, in none before"
    text = " ".join(finding.detail for finding in found)
    assert "Miller" not in text
    assert "123" not in text
    assert not [finding for finding in found if finding.column == "hours" and finding.kind == "codes_appeared"]


def test_a_listed_text_code_is_named(tmp_path: Path) -> None:
    found = findings(tmp_path, answers(), answers().with_columns(sex=pl.lit("m")))
    assert only(found, "sex", "codes_vanished").detail == "f: in 50.0% of the rows before, in none now"
    shift = only(found, "sex", "distribution")
    assert (shift.statistic, shift.n_before, shift.n_after) == (0.5, 1_000, 1_000)
    assert "total variation distance over 2 values" in shift.detail
