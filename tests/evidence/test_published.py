"""What is made of the register in a release: published numbers as gates, claims, and estimates beside published ones."""

from pathlib import Path

import pytest

from pipelines.machine.errors import ConfigurationError
from tests.atlas import Atlas, make_atlas

NUMBERS = "data_contracts/evidence/published_numbers.csv"


def test_published_numbers_come_out_of_the_files(published_evidence: Atlas) -> None:
    numbers = published_evidence.query("select study, source, is_reproduced from report.published_numbers")
    assert len(numbers) == 29
    assert {source for _, source, _ in numbers} == {"nhanes"}
    assert all(is_reproduced for _, _, is_reproduced in numbers)
    assert {study for study, _, _ in numbers} == {
        "Gu 2010",
        "Grandner 2017",
        "Health United States 2010",
        "NHANES 2005-2006 codebook",
        "NHANES 2007-2008 codebook",
    }
    statuses = published_evidence.query(
        "select source, status from meta.check_results where rule_id like '%published_numbers__every%' order by source"
    )
    assert statuses == [
        ("nhanes", "passed"),
        ("synthetic_case_control", "not_applicable"),
        ("synthetic_survey", "not_applicable"),
    ]


def test_a_number_that_does_not_come_out_turns_the_night_red_with_its_study(published_evidence: Atlas, tmp_path: Path) -> None:
    atlas = published_evidence.copy(tmp_path / "project")
    atlas.edit(NUMBERS, ",percent,22.4,", ",percent,25.4,")
    refreshed = atlas.refresh()
    assert not refreshed.success
    assert "Gu 2010: 22.4 % took a prescription drug in the past month, 2007-2008" in refreshed.failures[-1]
    assert refreshed.rejected == ["report.published_numbers"]
    # readers keep the numbers of the night before, and everything else is published
    assert atlas.query("select printed from report.published_numbers where number_id = 'gu2010_any_under_12'") == [(22.4,)]


def test_claims_say_what_was_printed_and_what_real_data_say(published_evidence: Atlas) -> None:
    claims = {
        row[0]: row[1:]
        for row in published_evidence.query(
            "select claim_id, verdict, primary_source_says, reason, ours, ours_lower, ours_upper, ours_reason from report.claims"
        )
    }
    assert len(claims) == 15
    verdict, printed, _, ours, lower, upper, _ = claims["sedentary_9_34"]
    assert verdict == "differs"
    assert "9.84 (95 % credible interval 1.74 to 101.9)" in printed
    [expected] = published_evidence.query(
        """
        select odds_ratio, odds_ratio_lower, odds_ratio_upper from report.odds_ratios
        where source = 'nhanes' and wave = '2007-2008' and outcome = 'has_cramps' and exposure = 'is_sedentary'
          and model = 'adjusted'
        """
    )
    assert (ours, lower, upper) == expected
    assert claims["weekly_50"][0] == "not supported"
    assert 0.08 < claims["weekly_50"][3] < 0.09
    assert (claims["pregnancy_79_32"][0], claims["cochrane_322"][0], claims["bmc_272"][0]) == (
        "differs",
        "differs",
        "not supported",
    )
    assert claims["stretching"][3:] == (None, None, None, "these data do not ask this")


def test_an_estimate_is_the_same_question_or_says_what_differs(published_evidence: Atlas) -> None:
    same = published_evidence.query(
        "select source, population, outcome, evidence_id from report.evidence_comparison where differences is null group by all"
    )
    assert same == [("nhanes", "adults_20_plus", "has_frequent_cramps", "E044")]
    [(differences, verdict, overlap)] = published_evidence.query(
        """
        select differences, verdict, intervals_overlap from report.evidence_comparison
        where source = 'nhanes' and wave = '2007-2008' and exposure = 'is_sedentary' and evidence_id = 'E001'
        """
    )
    assert (verdict, overlap) == ("not the same question", True)
    for words in ("other design (case-control; ours: survey)", "other people", "exposure measured otherwise (Dijon"):
        assert words in differences
    unlabelled = "is_synthetic and differences not like 'our records were generated%'"
    assert published_evidence.query(f"select count(*) from report.evidence_comparison where {unlabelled}") == [(0,)]


def test_syntheses_are_pooled_or_say_why_and_rest_on_the_register(published_evidence: Atlas) -> None:
    pooled = published_evidence.query(
        "select synthesis_id, n_pooled, round(estimate, 4), is_synthetic from report.evidence_synthesis where reason is null"
    )
    assert pooled == [("magnesium_pregnancy_free", 3, 1.6838, False)]
    [(syntheses, designs)] = published_evidence.query(
        "select count(distinct synthesis_id), max(designs) from (select synthesis_id, count(distinct evidence.design) as designs "
        "from report.evidence_synthesis_estimates join report.evidence using (evidence_id) group by all)"
    )
    assert (syntheses, designs) == (13, 1)
    statuses = published_evidence.query("select status from meta.check_results where rule_id like '%is_pooled_or_says_why%'")
    assert statuses == [("passed",)]


def test_a_study_without_the_section_has_none_of_it_and_one_with_its_tables_only_is_refused(tmp_path: Path) -> None:
    without = make_atlas(tmp_path / "without").project
    assert without.evidence is None
    assert not any("evidence" in table or "claims" in table for table in without.report_tables)
    atlas = make_atlas(tmp_path / "half", keeping=("evidence",))
    assert "report.evidence" in atlas.project.report_tables
    study = (atlas.folder / "study.yaml").read_text(encoding="utf-8")
    (atlas.folder / "study.yaml").write_text(study[: study.index("evidence:\n")], encoding="utf-8")
    with pytest.raises(ConfigurationError, match=r"report\.evidence rests on a register of published estimates: add evidence to"):
        _ = atlas.project
