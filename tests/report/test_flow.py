"""Who was received, left out and analysed: every record is somewhere, and no number is counted in two ways."""

from collections.abc import Sequence

import polars as pl
import pytest

from pipelines.core.plan import plan_core
from pipelines.project.project import Project
from pipelines.project.sources import Source
from pipelines.raw.take_in import take_in
from pipelines.report.estimators import ESTIMATORS, Received
from pipelines.report.make import build_report
from pipelines.report.plan import plan_report, records_received
from pipelines.stages import load_project
from pipelines.store import Place
from tests.atlas import Atlas
from tests.report.test_estimates import cohort, estimation

SHA256_DIGITS = 64

FLOW = "report.respondent_flow"
MISSING = (
    "n_not_asked",
    "n_refused",
    "n_dont_know",
    "n_no_value",
    "n_not_in_component",
    "n_in_incomplete_sets",
    "n_without_matched_set",
)


@pytest.fixture(scope="module")
def project() -> Project:
    return load_project()


def pairs() -> Source:
    return Source.model_validate(
        {
            **cohort().model_dump(exclude={"comparability"}),
            "source": "pairs",
            "design": "case_control",
            "case_definition": "has_cramps",
        }
    )


def people(rows: Sequence[tuple[object, ...]], columns: list[str]) -> pl.DataFrame:
    frame = pl.DataFrame(rows, schema=columns, orient="row", infer_schema_length=None)
    return frame.with_columns(source=pl.lit("berkeley"), wave=pl.lit("1973"))


def test_missing_answers_are_split_by_kind(project: Project) -> None:
    answers = [
        (30, True, None),
        (30, False, None),
        (65, None, "refused"),
        (30, None, "refused"),
        (30, None, "dont_know"),
        (30, None, "not_asked"),
        (30, None, "missing"),
        (17, True, None),
        (9, None, "not_asked"),
    ]
    asked = people(answers, ["age_years", "has_cramps", "has_cramps_missing"])
    found = ESTIMATORS[FLOW](estimation(project, asked, cohort(), received={"1973": Received(n_received=12, n_set_aside=2)}))
    [row] = found.filter(population="adults_20_plus", outcome="has_cramps").to_dicts()
    # ten records were kept, and one of them is no respondent; two respondents are younger
    assert (row["n_received"], row["n_set_aside"], row["n_out_of_scope"]) == (12, 2, 1 + 2)
    assert [row[name] for name in MISSING] == [1, 2, 1, 1, 0, 0, 0]
    assert (row["n_missing"], row["n_analysed"], row["weight"]) == (5, 2, None)
    [old] = found.filter(population="adults_60_plus", outcome="has_cramps").to_dicts()
    assert (old["n_out_of_scope"], old["n_missing"], old["n_analysed"]) == (9, 1, 0)


def test_people_who_are_not_in_the_outcomes_component_gave_no_answer(project: Project) -> None:
    """Three of five have an exam weight, the fourth was interviewed only, the fifth has no weight at all."""
    rows = [(30, True, 1.0, 1.0, psu) for psu in (1, 2, 1)] + [(30, None, 1.0, 0.0, 2), (30, None, 0.0, 0.0, 2)]
    frame = people(rows, ["age_years", "has_cramps", "interview_weight", "exam_weight", "psu"]).with_columns(stratum=1)
    survey = cohort().model_copy(update={"design": "survey", "components": {"exam": ["has_cramps"]}})
    found = ESTIMATORS[FLOW](estimation(project, frame, survey, received={"1973": Received(5, 0)}))
    [row] = found.filter(population="adults_20_plus", outcome="has_cramps").to_dicts()
    assert (row["n_out_of_scope"], row["n_analysed"], row["weight"]) == (1, 3, "exam_weight")
    assert (row["n_missing"], row["n_not_in_component"]) == (1, 1)


def test_matched_sets_without_a_case_or_a_control_are_missing(project: Project) -> None:
    members = [
        (70, "whole", True),
        (70, "whole", False),
        (70, "a case alone", True),
        (70, "only controls", False),
        (70, "only controls", False),
        (70, "unknown control", True),
        (70, "unknown control", None),
        (30, "a younger control", False),
        (70, "a younger control", True),
        (70, None, True),
        (70, None, None),
        (70, "", True),
        (70, " ", None),
    ]
    frame = people(members, ["age_years", "matched_set", "is_case"]).with_columns(has_cramps="is_case")
    found = ESTIMATORS[FLOW](estimation(project, frame, pairs(), received={"1973": Received(13, 0)}))
    [row] = found.filter(population="adults_60_plus").to_dicts()
    # of unknown status: three, two of them in no set either; in incomplete sets: the case alone, two controls, the partner of
    # the unknown, that of the younger; in no set: two
    assert [row[name] for name in MISSING] == [0, 0, 0, 3, 0, 5, 2]
    assert (row["n_out_of_scope"], row["n_missing"], row["n_analysed"]) == (1, 10, 2)
    [whole] = found.filter(population="everyone_asked").to_dicts()
    assert (whole["n_in_incomplete_sets"], whole["n_analysed"]) == (4, 4)


def test_respondents_that_are_not_among_the_records_are_not_subtracted_from_them(project: Project) -> None:
    asked = people([(30, True), (30, False)], ["age_years", "has_cramps"])
    found = ESTIMATORS[FLOW](estimation(project, asked, cohort(), received={"1973": Received(1, 0)}))
    [row] = found.filter(population="adults_20_plus", outcome="has_cramps").to_dicts()
    assert (row["n_received"], row["n_out_of_scope"], row["n_analysed"]) == (None, None, 2)
    assert "more respondents than records" in row["reason"]


def identities(atlas: Atlas) -> int:
    """Rows that are whole; a row that does not add up, or that is counted elsewhere in another way, fails."""
    found = atlas.query(
        f"""
        select
          n_received = n_set_aside + n_out_of_scope + flow.n_missing + n_analysed,
          flow.n_missing = {" + ".join(MISSING)},
          n_analysed = coalesce(n_respondents, n_analysed)
            and flow.n_missing - n_not_in_component = coalesce(prevalences.n_missing, flow.n_missing - n_not_in_component)
        from report.respondent_flow as flow
        left join report.prevalence_by_age_band as prevalences
          on prevalences.source = flow.source and prevalences.wave = flow.wave and prevalences.population = flow.population
          and prevalences.outcome = flow.outcome and prevalences.age_band = 'all'
        where n_received is not null
        """
    )
    assert set(found) == {(True, True, True)}
    return len(found)


def test_every_record_is_somewhere_and_the_analysed_are_those_of_the_prevalences(published_synthetic: Atlas) -> None:
    # a survey of one wave, two outcomes and four populations; a case-control source of two waves and their pool, one outcome
    assert identities(published_synthetic) == 2 * 4 + 3 * 4
    [(records, in_file)] = published_synthetic.query(
        "select max(n_received), max(n_set_aside) from report.respondent_flow where source = 'synthetic_survey'"
    )
    assert (records, in_file) == (3_003, 10)


def test_one_more_record_set_aside_moves_the_flow_and_nothing_else(synthetic: Atlas) -> None:
    """The records that are kept are the same, so the respondents are not harmonised again."""
    path = synthetic.settings.landing_folder / "synthetic_survey" / "2024" / "respondents.csv"
    frame = pl.read_csv(path, infer_schema=False)
    bad = frame.filter(pl.col("age").str.strip_chars() == "199").head(1).with_columns(respondent=pl.lit("999999"))
    path.unlink()
    pl.concat([frame, bad]).write_csv(path)
    project = synthetic.project
    source = project.sources["synthetic_survey"]
    core, flow, trends = (
        Place(schema, table, source.source, wave)
        for schema, table, wave in (
            ("core", "respondents", "2024"),
            ("report", "respondent_flow", "all"),
            ("report", "trends", "all"),
        )
    )

    def recipes() -> tuple[str, str, str]:
        return plan_core(project, core).recipe, plan_report(project, flow).recipe, plan_report(project, trends).recipe

    before = recipes()
    assert not take_in(project, source.source, "2024").problems
    assert [one == other for one, other in zip(before, recipes(), strict=True)] == [True, False, True]
    assert records_received(project, source) == {"2024": Received(3_004, 11)}
    sidecar = build_report(project, flow).sidecar
    rows = pl.read_parquet(project.store.path(flow, str(sidecar.content)))
    assert rows.select("n_received", "n_set_aside").unique().rows() == [(3_004, 11)]
    # a manifest holds the ingredients, of restricted sources too: they must not tell the counts
    assert len(sidecar.ingredients["records received"]) == SHA256_DIGITS
