"""The register of published estimates: its files are whole or refused with the line, and its counts give what was printed."""

import shutil
from pathlib import Path

import polars as pl
import pytest

from pipelines.machine.errors import ConfigurationError
from pipelines.machine.settings import REPOSITORY
from pipelines.project.evidence import load_evidence
from pipelines.report.published_ratios import AGREES, DIFFERS, NO_COUNTS
from pipelines.report.published_register import register
from pipelines.statistics.risk_ratio import NO_RISK, risk_ratio

FOLDER = REPOSITORY / "data_contracts" / "evidence"


@pytest.fixture(scope="module")
def rows() -> pl.DataFrame:
    return register(load_evidence(FOLDER))


def test_every_estimate_with_counts_is_what_its_counts_give_or_says_why_not(rows: pl.DataFrame) -> None:
    counted = rows.filter(pl.col("recomputation") != NO_COUNTS)
    assert rows.height == 119
    assert counted.height == 35
    differing = counted.filter(recomputation=DIFFERS)
    assert differing["evidence_id"].to_list() == ["E076", "E088", "E100"]
    assert differing["recomputation_reason"].null_count() == 0
    assert counted.filter(recomputation=AGREES).height == 28


@pytest.mark.parametrize(
    ("evidence_id", "printed", "numbers"),
    [("E095", "1.42 (1.09 to 1.86)", (1.42, 1.09, 1.86)), ("E098", "5.66 (1.35 to 23.68)", (5.66, 1.35, 23.68))],
)
def test_printed_risk_ratios_come_out_of_their_counts(
    rows: pl.DataFrame, evidence_id: str, printed: str, numbers: tuple[float, float, float]
) -> None:
    row = rows.row(by_predicate=pl.col("evidence_id") == evidence_id, named=True)
    assert row["printed"] == printed
    assert (row["estimate"], row["lower"], row["upper"]) == numbers
    found = (row["recomputed"], row["recomputed_lower"], row["recomputed_upper"])
    assert tuple(round(value, 2) for value in found) == numbers


def test_what_counts_give_is_what_r_gives(rows: pl.DataFrame) -> None:
    """Of the 35: prop.test and binomial models, by counts.R."""
    expected = pl.read_csv(Path(__file__).with_name("counts.csv"))
    ours = rows.filter(pl.col("recomputed").is_not_null()).select(expected.columns)
    assert ours["evidence_id"].to_list() == expected["evidence_id"].to_list()
    for mine, theirs in zip(ours.iter_rows(), expected.iter_rows(), strict=True):
        assert mine[1:] == pytest.approx(theirs[1:], rel=1e-7), mine[0]


def test_shares_are_proportions_and_other_numbers_as_printed(rows: pl.DataFrame) -> None:
    by_id = {row["evidence_id"]: row for row in rows.iter_rows(named=True)}
    assert (by_id["E034"]["estimate"], by_id["E034"]["lower"], by_id["E034"]["upper"]) == pytest.approx((0.46, 0.38, 0.53))
    assert (by_id["E001"]["estimate"], by_id["E001"]["lower"], by_id["E001"]["upper"]) == (9.84, 1.74, 101.9)
    assert by_id["E043"]["estimate"] is None  # printed as 24-25
    assert by_id["E043"]["printed"] == "24-25"


def test_an_overall_risk_is_at_least_that_of_the_worst_domain(rows: pl.DataFrame) -> None:
    order = {"not applicable": 0, "not judged": 0, "low": 1, "some concerns": 2, "high": 3, "very high": 4}
    for row in rows.iter_rows(named=True):
        domains = [order[value] for name, value in row.items() if name.startswith("rob_") and name not in OVERALL]
        assert order[row["rob_overall"]] >= max(domains), row["evidence_id"]


def test_bias_in_effects_is_not_judged_of_a_share(rows: pl.DataFrame) -> None:
    by_id = {row["evidence_id"]: row for row in rows.iter_rows(named=True)}
    assert [by_id[name]["rob_overall"] for name in ("E020", "E023")] == [
        "not applicable",
        "high",
    ]  # a share and a ratio of one study


OVERALL = {"rob_overall", "rob_reason"}


def test_a_group_without_a_case_has_no_risk_ratio() -> None:
    none = risk_ratio(exposed_cases=0, exposed_noncases=5, unexposed_cases=2, unexposed_noncases=3)
    assert (none.estimate, none.reason) == (None, NO_RISK)


FAULTS = {
    "studies.csv": [
        ("delacour2020,Delacour 2020,", "delacour2020,,", "line 2: study is empty"),
        (",2020,France (Alsace),case-control,", ",MMXX,France (Alsace),case-control,", "line 2: year must be a whole number"),
        (',very low,"136', ',quite low,"136', "line 2: certainty must be one of high, moderate"),
        ("garrison2015,", "garrison2012,", "line 5: study_id garrison2012 stands in line 4, too"),
        (
            ",nhanes_slq_d nhanes_slq_e\n",
            ",nhanes_slq_f\n",
            "shares_people_with names nhanes_slq_f, which has no row in this file",
        ),
    ],
    "estimates.csv": [
        (
            "E001,delacour2020,",
            "E001,delacuor2020,",
            "study_id delacuor2020 has no row in studies.csv; did you mean delacour2020",
        ),
        (",9.84,1.74,", ",9.84,about 1.74,", "line 2: printed_lower must be a number such as 1.42; found 'about 1.74'"),
        ("E001,delacour2020,", "E001,delacour2020,one,", "line 2: has 33 fields where 32 are needed"),
        (",9.84,1.74,101.9,", ",9.84,,101.9,", "line 2: printed_lower and printed_upper stand together, or neither does"),
        (",9.84,1.74,101.9,", ",9.84,101.9,1.74,", "line 2: printed_lower 101.9 is above printed_upper 1.74"),
        (",9.84,1.74,101.9,", ",98.4,1.74,10.19,", "printed 98.4 is not within printed_lower 1.74 and printed_upper 10.19"),
        (",37,26,6,17,", ",37,26,6,,", "found only exposed_cases, exposed_noncases, unexposed_cases"),
    ],
    "syntheses.csv": [
        ("Sedentary people and cramps,odds ratio", "Sedentary people and cramps,prevalence", "measure must be one of odds ratio"),
        (
            "\nstatins_trials,",
            "\nnobody,Nobody,odds ratio,A,B,less,more,low,none\nstatins_trials,",
            "nobody has no estimate in synthesis_estimates.csv: add one, or delete the line",
        ),
    ],
    "synthesis_estimates.csv": [
        (
            "\nstatins_trials,E116,",
            "\nstatins_sequences,E116,printed,,\nstatins_trials,E116,",
            "statins_sequences is of sequence symmetry studies and E116 is of a meta-analysis of trials study; designs are never",
        ),
        ("\nloop", "\nthiazides_sequences,E010,printed,,\nloop", "E010 stands in thiazides_sequences in line 6, too"),
        (",E001,printed,", ",E999,printed,", "line 2: evidence_id E999 has no row in estimates.csv"),
        ("thiazides_sequences,", "thiazide_sequences,", "thiazide_sequences has no row in syntheses.csv; did you mean thiazides"),
        (
            ",E007,printed,",
            ",E007,counts,",
            "counts give an odds ratio or a risk ratio, and statins_sequences is of",
        ),
        (",E001,printed,", ",E001,read,", "taken_from must be one of printed, counts, counts of the opposite outcome"),
    ],
    "claims.csv": [("E001 E002", "E001 E999", "evidence_ids names E999, which has no row in estimates.csv")],
    "published_numbers.csv": [
        (",22.4,0.05,", ",22.4,,", "tolerance is empty"),
        (",percent,22.4,", ",share,22.4,", "unit must be one of percent, people"),
    ],
}


@pytest.mark.parametrize(("file", "fault"), [(file, fault) for file, faults in FAULTS.items() for fault in faults])
def test_a_file_that_is_not_whole_is_refused_with_the_line(tmp_path: Path, file: str, fault: tuple[str, str, str]) -> None:
    before, after, sentence = fault
    folder = tmp_path / "evidence"
    shutil.copytree(FOLDER, folder)
    text = (folder / file).read_text(encoding="utf-8")
    assert before in text
    (folder / file).write_text(text.replace(before, after, 1), encoding="utf-8")
    with pytest.raises(ConfigurationError) as refused:
        load_evidence(folder)
    [problem] = refused.value.problems
    assert sentence in problem
    assert str(folder / file) in problem


def test_a_register_without_a_file_or_with_other_columns_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "evidence"
    shutil.copytree(FOLDER, folder)
    (folder / "claims.csv").unlink()
    (folder / "studies.csv").write_text("study\nDelacour\n", encoding="utf-8")
    with pytest.raises(ConfigurationError) as refused:
        load_evidence(folder)
    assert [problem.removeprefix(f"{folder}/").partition(",")[0] for problem in refused.value.problems] == [
        "studies.csv",
        "claims.csv: cannot be read: no such file or directory.",
    ]
