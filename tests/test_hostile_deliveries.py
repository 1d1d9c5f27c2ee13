"""Deliveries that go wrong, from the file to the verdict: what is said, what is set aside, and that last night's tables stay."""

from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from pipelines.raw.take_in import Delivery, take_in
from tests.atlas import Atlas

TABLE = "raw.synthetic_survey_respondents"
Change = Callable[[pl.DataFrame], pl.DataFrame]


def respondents(atlas: Atlas) -> Path:
    return atlas.settings.landing_folder / "synthetic_survey" / "2024" / "respondents.csv"


def deliver(atlas: Atlas, change: Change, n: int = 100) -> Delivery:
    """The first good respondents, as text, with a change, taken in as tonight's delivery."""
    path = respondents(atlas)
    frame = (
        pl.read_csv(path, infer_schema=False)
        .filter(pl.col("age").str.strip_chars().cast(int) < 111)
        .unique("respondent", maintain_order=True)
    )
    changed = change(frame.head(n))
    path.unlink()
    changed.write_csv(path)
    return take_in(atlas.project, "synthetic_survey", "2024")


def first(n: int, column: str, value: str | None) -> Change:
    """The first n values of a column replaced."""
    is_first = pl.int_range(pl.len()) < n
    return lambda frame: frame.with_columns(pl.when(is_first).then(pl.lit(value)).otherwise(pl.col(column)).alias(column))


REJECTED: dict[str, tuple[Change, tuple[str, ...]]] = {
    "no records": (lambda frame: frame.head(0), (TABLE, "table.rowCount", "found 0 rows")),
    "an age with a fraction": (first(2, "age", "30.5"), (TABLE, "column age: expected INTEGER", "2 of 100 rows")),
    "yes for a code": (first(1, "statin", "yes"), (TABLE, "column statin: expected INTEGER", "1 of 100 rows")),
    "nothing in a required column": (first(3, "sex", None), (TABLE, "sex.required", "3 of 100", "missing in 3 of 100 rows")),
    "an unlisted code": (first(4, "statin", "5"), (TABLE, "statin.codebook", "4 of", "5 (4 rows; nearest known codes")),
    "a column too many": (lambda frame: frame.with_columns(extra=pl.lit("a")), (TABLE, "column extra: delivered, but not in")),
    "a column too few": (lambda frame: frame.drop("statin"), (TABLE, "column statin: expected (INTEGER), but not delivered")),
}


@pytest.mark.parametrize("kind", REJECTED)
def test_a_delivery_that_breaks_its_contract_is_rejected_with_table_column_rule_and_count(synthetic: Atlas, kind: str) -> None:
    change, said = REJECTED[kind]
    accepted = synthetic.project.store.acceptance("synthetic_survey", "2024").tables
    if kind == "no records":
        synthetic.edit(
            "data_contracts/raw/synthetic_survey_respondents.odcs.yaml",
            "  properties:\n  - name: respondent\n",
            "  quality:\n  - {metric: rowCount, mustBeGreaterThan: 0}\n  properties:\n  - name: respondent\n",
        )
    delivery = deliver(synthetic, change)
    assert len(delivery.problems) == 1
    for part in said:
        assert part in delivery.problems[0]
    assert synthetic.project.store.acceptance("synthetic_survey", "2024").tables == accepted


def test_a_column_given_twice_is_rejected(synthetic: Atlas) -> None:
    path = respondents(synthetic)
    lines = path.read_text(encoding="utf-8").splitlines()
    path.unlink()
    twice = [f"{line},{'age' if number == 0 else '30'}" for number, line in enumerate(lines)]
    path.write_text("\n".join(twice) + "\n", encoding="utf-8")
    delivery = take_in(synthetic.project, "synthetic_survey", "2024")
    assert [problem for problem in delivery.problems if "column age: delivered more than once" in problem]


@pytest.mark.parametrize(("n_broken", "is_accepted"), [(5, True), (6, False)])
def test_five_of_a_hundred_records_may_be_set_aside_and_six_reject_the_delivery(
    synthetic: Atlas, n_broken: int, *, is_accepted: bool
) -> None:
    delivery = deliver(synthetic, first(n_broken, "age", "199"))
    [sidecar] = [sidecar for place, sidecar in delivery.candidates.items() if place.name == TABLE]
    assert sidecar.n_rejected_rows == n_broken
    assert sidecar.rows == 100 - n_broken
    said = f"{TABLE} 2024: 6 of 100 records would be set aside, more than 5 % (maxShareSetAside of the contract)"
    assert [problem[: len(said)] for problem in delivery.problems] == ([] if is_accepted else [said])


@pytest.mark.parametrize(("n_broken", "is_accepted"), [(29, True), (30, False)])
def test_the_contract_says_how_many_records_may_be_set_aside(synthetic: Atlas, n_broken: int, *, is_accepted: bool) -> None:
    # 0.29 of 100 is 28.999... in floating point
    synthetic.edit(
        "data_contracts/raw/synthetic_survey_respondents.odcs.yaml",
        "  properties:\n  - name: respondent\n",
        "  customProperties:\n  - {property: maxShareSetAside, value: 0.29}\n  properties:\n  - name: respondent\n",
    )
    assert (not deliver(synthetic, first(n_broken, "age", "199")).problems) == is_accepted


def test_repeated_records_are_set_aside_by_their_numbers_in_the_file(synthetic: Atlas) -> None:
    delivery = deliver(synthetic, lambda frame: pl.concat([frame, frame[[10, 20]]]), n=98)
    assert not delivery.problems
    [(place, sidecar)] = [(place, sidecar) for place, sidecar in delivery.candidates.items() if place.name == TABLE]
    aside = pl.read_parquet(list((synthetic.warehouse / "store/meta/rejected_rows").rglob(f"{sidecar.rejected_rows}.parquet")))
    assert aside["row_number"].to_list() == [11, 21, 99, 100]
    assert set(aside["column_name"]) == {"respondent"}
    assert pl.read_parquet(synthetic.project.store.path(place, str(sidecar.content))).height == 96


@pytest.mark.parametrize("kind", ["columns in another order", "a byte order mark"])
def test_harmless_differences_are_accepted(synthetic: Atlas, kind: str) -> None:
    before = synthetic.project.store.accepted
    place = next(place for place in synthetic.project.places(TABLE))
    accepted = before(place)
    path = respondents(synthetic)
    frame = pl.read_csv(path, infer_schema=False)
    path.unlink()
    if kind == "a byte order mark":
        path.write_bytes(b"\xef\xbb\xbf" + frame.write_csv().encode())
    else:
        frame.select(reversed(frame.columns)).write_csv(path)
    delivery = take_in(synthetic.project, "synthetic_survey", "2024")
    assert not delivery.problems
    assert accepted is not None
    assert delivery.candidates[place].content == accepted.content


def test_a_bad_night_leaves_the_report_tables_of_last_night(synthetic: Atlas) -> None:
    tables = ("prevalence_by_age_band", "odds_ratios", "trends", "prevalence_by_exposure", "prevalence_age_standardised")
    before = [synthetic.query(f"from report.{table}") for table in tables]
    source = synthetic.folder / "data_contracts/sources/synthetic_survey.yaml"
    source.write_text(source.read_text(encoding="utf-8").partition("generator:")[0], encoding="utf-8")
    deliver(synthetic, first(50, "age", "30.5"))
    refreshed = synthetic.refresh()
    assert not refreshed.success
    assert "column age: expected INTEGER, found 50 of 100 rows" in refreshed.failures[-1]
    assert [synthetic.query(f"from report.{table}") for table in tables] == before
