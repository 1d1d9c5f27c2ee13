"""Samples in which some statistic has no value: every table is there all the same, and its rows say why a number is not."""

import warnings
from collections.abc import Callable
from dataclasses import replace

import polars as pl
import pytest

from pipelines.project.project import Project
from pipelines.report.estimators import ESTIMATORS
from pipelines.report.finite import NOT_FINITE, with_finite_numbers
from pipelines.stages import load_project
from pipelines.statistics import EmptyDomain, InvalidWeight, LonelyPsu
from tests.report.test_estimates import cohort, estimation

N = 40
BASE = (
    pl.DataFrame({"i": range(N)})
    .with_columns(
        source=pl.lit("berkeley"),
        wave=pl.lit("1973"),
        age_years=20 + pl.col("i"),
        age_band=pl.concat_str((2 + pl.col("i") // 10) * 10, pl.lit("-"), (2 + pl.col("i") // 10) * 10 + 9),
        sex=pl.when(pl.col("i") % 2 == 0).then(pl.lit("male")).otherwise(pl.lit("female")),
        race_ethnicity=pl.lit("other"),
        is_sedentary=pl.col("i") % 3 == 0,
        takes_statin=pl.col("i") % 5 == 0,
        has_cramps=pl.col("i") % 4 == 0,
        has_frequent_cramps=pl.col("i") % 8 == 0,
        magnesium_intake_mg=200.0 + pl.col("i"),
        stratum=1 + pl.col("i") // 10,
        psu=1 + pl.col("i") % 2,
        interview_weight=pl.lit(1.5),
        matched_set=(pl.col("i") // 2).cast(pl.String),
        is_case=pl.col("i") % 2 == 0,
    )
    .drop("i")
)

SAMPLES: dict[str, Callable[[pl.DataFrame], pl.DataFrame]] = {
    "as they are": lambda people: people,
    "nobody": lambda people: people.clear(),
    "one person": lambda people: people.head(1),
    "two people": lambda people: people.head(2),
    "nobody has it": lambda people: people.with_columns(has_cramps=False, has_frequent_cramps=False),
    "everybody has it": lambda people: people.with_columns(has_cramps=True, has_frequent_cramps=True),
    "nobody answered": lambda people: people.with_columns(has_cramps=pl.lit(None, pl.Boolean)),
    "one has it": lambda people: people.with_columns(has_cramps=pl.int_range(pl.len()) == 0),
    "all but one have it": lambda people: people.with_columns(has_cramps=pl.int_range(pl.len()) > 0),
    "it is the sex": lambda people: people.with_columns(has_cramps=pl.col("sex") == "female"),
    "it is the exposure": lambda people: people.with_columns(has_cramps="is_sedentary"),
    "it is the age": lambda people: people.with_columns(has_cramps=pl.col("age_years") >= 40),
    "two exposures are one": lambda people: people.with_columns(takes_statin="is_sedentary"),
    "everybody is exposed": lambda people: people.with_columns(is_sedentary=True),
    "one is exposed": lambda people: people.with_columns(is_sedentary=pl.int_range(pl.len()) == 3),
    "one sex": lambda people: people.with_columns(sex=pl.lit("female")),
    "one age band": lambda people: people.with_columns(age_band=pl.lit("20-29"), age_years=25),
    "everybody is their own group": lambda people: people.with_columns(race_ethnicity=pl.col("age_years").cast(pl.String)),
    "a constant mean": lambda people: people.with_columns(magnesium_intake_mg=200.0),
    "a huge mean": lambda people: people.with_columns(magnesium_intake_mg=pl.col("magnesium_intake_mg") * 1e200),
    "no weight": lambda people: people.with_columns(interview_weight=0.0),
    "one has a weight": lambda people: people.with_columns(interview_weight=(pl.int_range(pl.len()) == 0).cast(pl.Float64)),
    "tiny weights": lambda people: people.with_columns(interview_weight=1e-12),
    "one PSU a stratum": lambda people: people.with_columns(psu=1),
    "one stratum, two PSUs": lambda people: people.with_columns(stratum=1),
}

PAIRED: dict[str, Callable[[pl.DataFrame], pl.DataFrame]] = {
    "as they are": lambda people: people,
    "one person": lambda people: people.head(1),
    "no set is whole": lambda people: people.with_columns(is_case=True),
    "nobody is in a set": lambda people: people.with_columns(matched_set=pl.lit(None, pl.String)),
    "no status is known": lambda people: people.with_columns(is_case=pl.lit(None, pl.Boolean)),
    "one set of all": lambda people: people.with_columns(matched_set=pl.lit("1")),
    "cases are the exposed": lambda people: people.with_columns(is_sedentary="is_case"),
    "sets of four, cases the exposed": lambda people: people.with_columns(
        is_sedentary="is_case", matched_set=(pl.int_range(pl.len()) // 4).cast(pl.String)
    ),
}


REFUSED = {"nobody", "one person", "no weight", "tiny weights", "one PSU a stratum"}
"""Samples whose design gives no estimate at all: the table is refused in words, unless a declared way out is taken."""


@pytest.fixture(scope="module")
def project() -> Project:
    """The study with two exposures and two populations."""
    project = load_project()
    study = project.study
    few = {
        "exposures": {name: study.exposures[name] for name in ("is_sedentary", "takes_statin")},
        "populations": {name: study.populations[name] for name in ("everyone_asked", "adults_20_plus")},
    }
    return replace(project, study=study.model_copy(update=few))


@pytest.mark.parametrize(
    ("sample", "design"),
    [
        *((sample, design) for sample in SAMPLES for design in ("cohort", "survey")),
        *((sample, "case_control") for sample in PAIRED),
    ],
)
def test_a_statistic_without_a_value_is_a_row_that_says_why(project: Project, sample: str, design: str) -> None:
    more = {"design": design, "case_definition": "has_cramps" if design == "case_control" else None}
    source = cohort().model_copy(update=more)
    asked = estimation(project, (SAMPLES | PAIRED)[sample](BASE), source, standard_population=project.standard_population)
    for table, estimator in ESTIMATORS.items():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore" if sample == "a huge mean" else "error", RuntimeWarning)
            try:
                found = estimator(asked)
            except (EmptyDomain, InvalidWeight, LonelyPsu):
                assert sample in REFUSED
                continue
        if sample != "a huge mean":
            assert with_finite_numbers(found).equals(found), table
        for row in with_finite_numbers(found).to_dicts() if "presentation" in found.columns else ():
            if row["presentation"] == "suppress":
                assert row["presentation_reason"], table


def test_a_number_that_is_none_is_null_and_named() -> None:
    frame = pl.DataFrame(
        {
            "estimate": [1.0, float("nan"), None],
            "upper": [float("inf"), 2.0, 3.0],
            "presentation": ["show", "suppress", "show"],
            "presentation_reason": [None, "too few", None],
        }
    )
    found = with_finite_numbers(frame)
    assert found["estimate"].to_list() == [1.0, None, None]
    assert found["upper"].to_list() == [None, 2.0, 3.0]
    assert found["presentation"].to_list() == ["review", "suppress", "show"]
    assert found["presentation_reason"].to_list() == [f"{NOT_FINITE}upper", f"too few; {NOT_FINITE}estimate", None]
