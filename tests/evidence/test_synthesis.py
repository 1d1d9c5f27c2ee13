"""What is pooled of published estimates is what R pools, and what may not be pooled says why."""

import csv
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pipelines.machine.settings import REPOSITORY
from pipelines.project.evidence import Evidence, load_evidence
from pipelines.report.published_ratios import has_symmetric_interval
from pipelines.report.published_register import register
from pipelines.report.synthesis import synthesise
from pipelines.report.synthesis_frames import estimates_frame, syntheses_frame

FOLDER = REPOSITORY / "data_contracts" / "evidence"
POOLED = "magnesium_pregnancy_free"
Row = Mapping[str, Any]


@pytest.fixture(scope="module")
def evidence() -> Evidence:
    return load_evidence(FOLDER)


def tables(evidence: Evidence) -> tuple[dict[str, Row], dict[tuple[str, str], Row]]:
    """Rows of both tables, by their keys."""
    syntheses = synthesise(evidence, register(evidence).to_dicts())
    pooled: dict[str, Row] = {row["synthesis_id"]: row for row in syntheses_frame(syntheses).iter_rows(named=True)}
    rows = estimates_frame(syntheses).iter_rows(named=True)
    estimates: dict[tuple[str, str], Row] = {(row["synthesis_id"], row["evidence_id"]): row for row in rows}
    return pooled, estimates


def changed(evidence: Evidence, part: str, key: str, name: str, **cells: str | None) -> Evidence:
    """The register with other cells in the rows of a file that are named by a key."""
    rows = tuple(row | cells if row[key] == name else row for row in getattr(evidence, part))
    assert rows != getattr(evidence, part)
    return replace(evidence, **{part: rows})


def test_what_is_pooled_is_what_r_pools(evidence: Evidence) -> None:
    """Base R, by synthesis.R."""
    with Path(__file__).with_name("synthesis.csv").open(encoding="utf-8") as file:
        expected = {row["name"]: float(row["value"]) for row in csv.DictReader(file)}
    pooled, estimates = tables(evidence)
    row = pooled[POOLED]
    found = {name: row[name] for name in expected if name in row}
    for (synthesis, _), estimate in estimates.items():
        if synthesis == POOLED:
            columns = {"ratio": "estimate", "weight": "weight", "lower": "lower", "upper": "upper"}
            found |= {f"{name}_{estimate['study_id']}": estimate[column] for name, column in columns.items()}
    assert found.keys() == expected.keys()
    assert found == pytest.approx(expected, rel=1e-8)
    assert (row["interval_method"], row["tau_method"]) == ("hartung_knapp_sidik_jonkman", "restricted_likelihood")
    assert (row["n_pooled"], row["evidence_ids"], row["prediction_degrees_freedom"], row["reason"]) == (
        3,
        "E098 E100 E101",
        1,
        None,
    )


def test_every_synthesis_is_of_one_design_and_pooled_or_says_why(evidence: Evidence) -> None:
    pooled, estimates = tables(evidence)
    designs = {study["study_id"]: study["design"] for study in evidence.studies}
    for (synthesis, evidence_id), row in estimates.items():
        assert designs[row["study_id"]] == pooled[synthesis]["design"], evidence_id
        assert (row["weight"] is None) == (row["reason"] is not None), evidence_id
    assert {name for name, row in pooled.items() if row["estimate"] is not None} == {POOLED}
    assert all((row["estimate"] is None) == (row["reason"] is not None) for row in pooled.values())
    assert pooled["statins_trials"]["question"] == pooled["statins_sequences"]["question"]


NO_STANDARD_ERROR = "its interval is not symmetric about it on the log scale, so that no standard error follows"
NO_INTERVAL = "a group without a case, or without anybody else, has no interval by the normal distribution"

REASONS = {
    (
        "sedentary_case_control",
        "E001",
    ): NO_STANDARD_ERROR,
    ("sedentary_case_control", "E002"): "not found in its source",
    ("diuretics_cross_sectional", "E026"): "prints no single number",
    ("long_acting_beta_agonists_sequences", "E012"): "its people are part of those of E008",
    ("magnesium_older_quarter", "E108"): "another measure (risk difference)",
    ("statins_trials", "E116"): "one estimate alone (Cholesterol Treatment Trialists 2022)",
}


@pytest.mark.parametrize("estimate", REASONS)
def test_an_estimate_that_is_not_pooled_says_why(evidence: Evidence, estimate: tuple[str, str]) -> None:
    assert tables(evidence)[1][estimate]["reason"] == REASONS[estimate]


def with_two(evidence: Evidence) -> Evidence:
    """A second sequence symmetry study of statins, of other people and defined alike: the two may be pooled."""
    [first] = [row for row in evidence.estimates if row["evidence_id"] == "E007"]
    [study] = [row for row in evidence.studies if row["study_id"] == "garrison2012"]
    [use] = [row for row in evidence.synthesis_estimates if row["evidence_id"] == "E007"]
    another = first | {"evidence_id": "N1", "study_id": "next", "printed": "1.3", "printed_lower": "1.1", "printed_upper": "1.54"}
    return replace(
        evidence,
        studies=(*evidence.studies, study | {"study_id": "next", "study": "Next 2027"}),
        estimates=(*evidence.estimates, another),
        synthesis_estimates=(*evidence.synthesis_estimates, use | {"evidence_id": "N1"}),
    )


def test_two_studies_are_pooled_with_a_prediction_interval(evidence: Evidence) -> None:
    row = tables(with_two(evidence))[0]["statins_sequences"]
    assert 1.16 < row["estimate"] < 1.3
    assert row["prediction_degrees_freedom"] == 1
    assert row["prediction_lower"] <= row["lower"] < row["upper"] <= row["prediction_upper"]
    assert row["tau_squared"] is not None


HINDRANCES: dict[str, tuple[tuple[str, str, str], dict[str, str | None], str]] = {
    "another recall window": (
        ("estimates", "evidence_id", "N1"),
        {"recall_window": "half a year"},
        "recall window: half a year, one year around a first prescription",
    ),
    "no recall window": (
        ("estimates", "evidence_id", "N1"),
        {"recall_window": None},
        "recall window: not stated, one year around a first prescription",
    ),
    "another threshold": (
        ("estimates", "evidence_id", "N1"),
        {"case_threshold": "two prescriptions"},
        "threshold of a case: a quinine prescription, two prescriptions",
    ),
    "another instrument": (
        ("estimates", "evidence_id", "N1"),
        {"exposure_instrument": "asked"},
        "instrument of the exposure: asked, dispensed prescriptions",
    ),
    "another comparator": (
        ("estimates", "evidence_id", "N1"),
        {"comparator": "nobody"},
        "comparator: nobody, quinine starts in the year before the index drug",
    ),
    "no width": (
        ("estimates", "evidence_id", "N1"),
        {"printed_lower": "1.3", "printed_upper": "1.3"},
        "one estimate alone (Garrison 2012)",
    ),
    "other people": (
        ("estimates", "evidence_id", "N1"),
        {"people": "everybody"},
        "people: everybody, prescription records, 50 and older",
    ),
    "another outcome": (
        ("estimates", "evidence_id", "N1"),
        {"outcome": "has_frequent_cramps"},
        "outcome: has_cramps, has_frequent_cramps",
    ),
    "crude beside adjusted": (("estimates", "evidence_id", "N1"), {"is_adjusted": "no"}, "adjusted and crude estimates"),
    "one study twice": (
        ("estimates", "evidence_id", "N1"),
        {"study_id": "garrison2012"},
        "Garrison 2012 (E007) and Garrison 2012 (N1) are of the same people",
    ),
    "people shared": (
        ("studies", "study_id", "next"),
        {"shares_people_with": "garrison2012"},
        "Garrison 2012 (E007) and Next 2027 (N1) are of the same people",
    ),
    "another measure": (
        ("estimates", "evidence_id", "N1"),
        {"measure": "odds ratio"},
        "one estimate alone (Garrison 2012)",
    ),
    "no interval": (
        ("estimates", "evidence_id", "N1"),
        {"printed_lower": None, "printed_upper": None},
        "one estimate alone (Garrison 2012)",
    ),
    "from memory": (("estimates", "evidence_id", "N1"), {"verified": "recalled"}, "one estimate alone (Garrison 2012)"),
    "a limit of 0": (("estimates", "evidence_id", "N1"), {"printed_lower": "0.0"}, "one estimate alone (Garrison 2012)"),
    "left out": (("synthesis_estimates", "evidence_id", "N1"), {"left_out": "withdrawn"}, "one estimate alone (Garrison 2012)"),
}


@pytest.mark.parametrize("hindrance", HINDRANCES)
def test_what_stands_against_pooling_is_said_and_nothing_is_pooled(evidence: Evidence, hindrance: str) -> None:
    (part, key, name), cells, reason = HINDRANCES[hindrance]
    pooled, estimates = tables(changed(with_two(evidence), part, key, name, **cells))
    row = pooled["statins_sequences"]
    assert (row["reason"], row["estimate"], row["n_pooled"], row["tau_squared"]) == (reason, None, 0, None)
    assert estimates["statins_sequences", "E007"]["reason"] == reason
    assert estimates["statins_sequences", "N1"]["weight"] is None


COUNTS: dict[str, tuple[dict[str, str | None], str]] = {
    "no case": (
        {"exposed_cases": "0"},
        "a group without a case, or without anybody else, has no interval by the normal distribution",
    ),
    "no counts": (
        dict.fromkeys(("exposed_cases", "exposed_noncases", "unexposed_cases", "unexposed_noncases", "counts_basis")),
        "prints no counts of both groups",
    ),
    "other counts than printed": (
        {"exposed_cases": "12", "disagreement": "unknown"},
        "its counts give other numbers than it prints",
    ),
}


@pytest.mark.parametrize("fault", COUNTS)
def test_counts_that_give_no_ratio_or_another_one_are_not_pooled(evidence: Evidence, fault: str) -> None:
    cells, reason = COUNTS[fault]
    without_note = changed(evidence, "synthesis_estimates", "evidence_id", "E098", reason=None)
    pooled, estimates = tables(changed(without_note, "estimates", "evidence_id", "E098", **cells))
    assert estimates[POOLED, "E098"]["reason"] == reason
    assert pooled[POOLED]["evidence_ids"] == "E100 E101"


@pytest.mark.parametrize(
    ("printed", "is_symmetric"),
    [
        (("1.47", "1.33", "1.63"), True),
        (("2.42", "2.02", "2.89"), True),
        (("1.09", "1.0", "1.1"), True),  # a limit of 0.95 to 1.05 stands behind 1.0
        (("9.84", "1.74", "101.9"), False),
        (("6.5", "1.68", "38.05"), False),
        (("2", "1", "4"), True),
        (("2", "1.00", "7.00"), False),
        (("2.5", "1.00", "6.90"), False),
        (("2.6", "1.00", "6.90"), True),  # sqrt(6.895) = 2.626
    ],
)
def test_an_interval_is_symmetric_where_rounding_lets_it_be(printed: tuple[str, str, str], is_symmetric: bool) -> None:
    assert has_symmetric_interval(*printed) == is_symmetric
