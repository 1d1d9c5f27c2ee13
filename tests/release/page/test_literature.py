"""What the page says of published estimates and of claims: beside ours, with what differs, and nothing synthetic."""

from collections.abc import Sequence
from dataclasses import replace
from functools import cache

from pipelines.project.project import Project
from pipelines.release.formatting import NOTHING, Row
from pipelines.release.page.evidence import claims_table, others_table
from pipelines.report.published_register import register
from pipelines.stages import load_project


@cache
def project() -> Project:
    return load_project()


def rows_of_register() -> Sequence[Row]:
    evidence = project().evidence
    assert evidence is not None
    return register(evidence).to_dicts()


def ours(**changes: object) -> Row:
    return {
        "source": "nhanes",
        "wave": "pooled",
        "population": "adults_20_plus",
        "measure": "prevalence",
        "evidence_id": "E034",
        "estimate": 0.309,
        "estimate_lower": 0.29,
        "estimate_upper": 0.328,
        "estimate_reason": None,
        "differences": "other people (primary care, 60 and older; ours: United States, adults)",
        "is_synthetic": False,
        **changes,
    }


def test_a_published_estimate_stands_beside_the_nearest_of_ours() -> None:
    older = ours(population="adults_60_plus", estimate=0.403, estimate_lower=0.371, estimate_upper=0.435)
    single = ours(population="adults_60_plus", wave="2005-2006", estimate=0.5)
    unknown = ours(population="adults_60_plus", estimate=None, estimate_reason="not comparable")
    synthetic = ours(source="synthetic_survey", population="adults_60_plus", differences=None, is_synthetic=True)
    table = others_table(project(), [ours(), single, unknown, synthetic, older], rows_of_register())
    [row] = [row for row in table.rows if row["name"] == "Maisonneuve 2016" and "five" not in row["group"]]
    assert row["published"] == "46 (38 to 53) %"
    assert row["ours"].startswith("40.3 (37.1 to 43.5) %, ")
    assert row["ours"].endswith("pooled, adults aged 60 and older")
    assert "synthetic" not in table.heading
    # 9.84 and the article's 9.34, each as it is: nothing of ours is there to compare
    sedentary = [row for row in table.rows if row["name"] == "Delacour 2020"]
    assert [(row["published"], row["ours"]) for row in sedentary] == [
        ("9.84 (1.74 to 101.9), odds ratio", NOTHING),
        ("9.34, odds ratio", NOTHING),
    ]


def test_an_estimate_that_is_not_shown_says_why() -> None:
    held = ours(estimate=None, estimate_lower=None, estimate_upper=None, estimate_reason="too few people")
    table = others_table(project(), [held], rows_of_register())
    [row] = [row for row in table.rows if row["name"] == "Maisonneuve 2016" and "five" not in row["group"]]
    assert row["ours"].startswith(f"{NOTHING} (too few people; ")


def test_claims_that_are_not_supported_are_read_first() -> None:
    claim: dict[str, object] = {
        "claim": "a",
        "number_in_article": "9.34",
        "primary_source_says": "9.84",
        "named_source": "Delacour 2020",
        "ours": 1.531,
        "ours_lower": 1.229,
        "ours_upper": 1.908,
        "ours_exposure": "is_sedentary",
        "ours_is": "odds ratio",
        "ours_source": "nhanes",
        "ours_wave": "2007-2008",
        "ours_reason": None,
        "verdict": "cannot be tested with these data",
        "reason": "b",
    }
    refused = claim | {"claim": "z", "verdict": "not supported", "ours": None, "ours_reason": "these data do not ask this"}
    table = claims_table(project(), [claim, refused])
    assert [row["name"] for row in table.rows] == ["z", "a"]
    assert [row["ours"].partition(" (N")[0] for row in table.rows] == [
        f"{NOTHING} (these data do not ask this)",
        "1.53 (1.23 to 1.91), odds ratio",
    ]


def test_a_source_that_is_gone_breaks_no_claim() -> None:
    claim = {
        **dict.fromkeys(("number_in_article", "primary_source_says", "named_source", "reason", "ours_exposure")),
        "ours_is": "any cramps",
        **{"claim": "a", "ours": 0.5, "ours_lower": None, "ours_upper": None, "ours_source": "nhanes", "ours_wave": "pooled"},
        **{"verdict": "differs", "ours_reason": None},
    }
    table = claims_table(replace(project(), sources={}), [claim])
    assert table.rows[0]["ours"] == "50.0 %, any cramps (nhanes, pooled)"
