"""A night of which a report table is held back, read in a terminal."""

from tests.atlas import Atlas


def test_a_table_that_lacks_a_new_outcome_is_told_with_its_reason(synthetic: Atlas) -> None:
    """The published table has the outcomes of before, the study one more."""
    synthetic.edit("study.yaml", "outcomes:\n  has_cramps:", "outcomes:\n  is_pregnant: {label: Pregnant}\n  has_cramps:")
    check = synthetic.folder / "sql" / "checks" / "prevalence_by_age_band__has_no_rows.sql"
    check.write_text("-- every row\nselect source, outcome from report.prevalence_by_age_band\n", encoding="utf-8")
    done = synthetic.refresh_as_typed()
    assert done.returncode == 1, done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    assert "report.prevalence_by_age_band" in done.stdout
    assert "has no rows" in done.stdout
    outcomes = "select distinct outcome from report.{} where source = 'synthetic_survey' order by outcome"
    assert ("is_pregnant",) not in synthetic.query(outcomes.format("prevalence_by_age_band"))
    assert ("is_pregnant",) in synthetic.query(outcomes.format("odds_ratios"))
