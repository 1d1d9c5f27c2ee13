"""What the assets show in Dagster beside their tables: owners, SQL, lineage, previews, figures, and of whom nothing is shown."""

import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import dagster as dg
import duckdb
import polars as pl
import pytest
import yaml

from pipelines.dagster.assets import shown
from pipelines.dagster.assets.context import check_result, materialisation
from pipelines.dagster.assets.described import LINEAGE
from pipelines.dagster.assets.release import not_up_to_date, release_asset
from pipelines.dagster.graph import definitions
from pipelines.dagster.lineage import Origin, origins, origins_of
from pipelines.machine.quoting import identifier
from pipelines.project.project import Project
from pipelines.project.selects import Select
from pipelines.release.disclosed import HELD_BACK
from pipelines.release.figures.drawing import Figure
from pipelines.report.estimators import COUNTING_RECORDS, ESTIMATORS, SETTINGS_NOT_READ, Estimation
from pipelines.report.plan import records_received
from pipelines.stages import load_project, plan
from pipelines.store import Place, Sidecar
from tests.atlas import Atlas

PREVALENCE = "report.prevalence_by_age_band"
SURVEY = "synthetic_survey"


@pytest.fixture(scope="module")
def project() -> Project:
    return load_project()


@pytest.fixture(scope="module")
def specs(project: Project) -> dict[str, dg.AssetSpec]:
    assets = definitions(project).resolve_all_asset_specs()
    return {spec.key.to_user_string().replace("/", "."): spec for spec in assets}


@pytest.fixture(scope="module")
def restricted(published_synthetic: Atlas, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The survey declared restricted, with the objects that were made before."""
    atlas = published_synthetic.copy(tmp_path_factory.mktemp("restricted") / "project")
    path = atlas.folder / "data_contracts" / "sources" / f"{SURVEY}.yaml"
    declared = yaml.safe_load(path.read_text(encoding="utf-8")) | {"classification": "restricted"}
    path.write_text(yaml.safe_dump(declared, sort_keys=False), encoding="utf-8")
    return atlas.project


def test_the_release_says_what_of_it_is_not_up_to_date() -> None:
    assert not_up_to_date({}).value == "nothing: every source is at what was delivered last"
    stale = not_up_to_date({"nhanes 2005-2006": "nhanes 2005-2006 is stale"})
    assert isinstance(stale, dg.TableMetadataValue)
    assert [record.data for record in stale.records] == [
        {"of": "nhanes 2005-2006", "why, and what to do": "nhanes 2005-2006 is stale"}
    ]


def test_the_release_leads_to_its_page_where_that_is_served_and_otherwise_names_its_place(project: Project) -> None:
    served = replace(project, settings=project.settings.model_copy(update={"page_url": "http://127.0.0.1:3001/report.html"}))
    pages = [
        next(iter(release_asset(each).specs)).metadata["page"].value  # as Dagster shows it
        for each in (project, served)
    ]
    assert pages == [str(project.settings.warehouse_folder / "current" / "report.html"), "http://127.0.0.1:3001/report.html"]


def test_every_asset_says_what_it_is_whose_it_is_and_which_files_make_it(specs: dict[str, dg.AssetSpec]) -> None:
    for name, spec in specs.items():
        assert spec.description, name
        assert list(spec.owners) == ["team:epidemiology"], name
        assert 1 <= len(spec.kinds) <= 10, name
        references = spec.metadata["dagster/code_references"]
        assert references.code_references, name
        assert all(Path(reference.file_path).is_file() for reference in references.code_references), name


def test_synthetic_deliveries_are_labelled(specs: dict[str, dg.AssetSpec]) -> None:
    labelled = {name for name, spec in specs.items() if "synthetic" in spec.tags}
    assert labelled == {name for name in specs if name.startswith("raw.synthetic")}
    assert all("describes no real person" in str(specs[name].description) for name in labelled)


def test_an_asset_shows_the_sql_that_makes_it_or_its_estimator(specs: dict[str, dg.AssetSpec], project: Project) -> None:
    sql = specs["core.respondents"].metadata["sql"].md_str
    with_respondents = [source for source in project.sources if f"core.respondents/{source}" in project.selects]
    assert with_respondents == ["nhanes", "synthetic_case_control", "synthetic_survey"]
    for source in with_respondents:
        assert f"sql/core/respondents/{source}.sql" in sql
        assert project.selects[f"core.respondents/{source}"].text.strip() in sql
    assert specs[PREVALENCE].metadata["estimator"] == "pipelines.report.prevalence.prevalence_by_age_band"
    claims = specs[PREVALENCE].metadata["checks"].md_str
    assert all(check.text.strip() in claims for check in project.checks["prevalence_by_age_band"])


def made_from(project: Project, source: str, column: str) -> list[str]:
    found = origins_of(project, "core.respondents", source)[column]
    return [f"{origin.table}.{origin.column}" for origin in found]


def test_lineage_leads_through_codebooks_to_the_delivered_variable(project: Project) -> None:
    assert made_from(project, "nhanes", "has_cramps") == ["raw.nhanes_slq.SLQ160"]
    assert made_from(project, "nhanes", "sex") == ["raw.nhanes_demo.RIAGENDR"]
    assert made_from(project, SURVEY, "takes_statin") == ["raw.synthetic_survey_respondents.statin"]
    assert made_from(project, "synthetic_case_control", "takes_diuretic") == [
        f"raw.synthetic_case_control_participants.{kind}_diuretic" for kind in ("loop", "potassium_sparing", "thiazide")
    ]
    assert made_from(project, "synthetic_case_control", "age_band") == ["raw.synthetic_case_control_participants.age"]
    assert made_from(project, "synthetic_case_control", "matched_set") == ["raw.synthetic_case_control_participants.pair"]
    activity = {f"raw.nhanes_paq.{variable}" for variable in ("PAD200", "PAD320", "PAQ650", "PAQ665")}
    assert set(made_from(project, "nhanes", "is_sedentary")) == activity


def test_lineage_joins_the_parts_of_a_union(project: Project) -> None:
    found = origins(project, project.selects["report.planted_truth"])
    assert found["planted"] == (
        Origin("raw.synthetic_case_control_planted", "planted"),
        Origin("raw.synthetic_survey_planted", "planted"),
    )
    assert found["estimate"] == (Origin("report.odds_ratios", "odds_ratio"), Origin(PREVALENCE, "prevalence"))


def test_a_select_whose_lineage_cannot_be_told_is_an_asset_all_the_same(project: Project) -> None:
    from pipelines.dagster.assets.described import definition_metadata

    select = Select("sql/report/planted_truth.sql", "select 1 as a union all select * from raw.nowhere", ())
    broken = replace(project, selects={**project.selects, "report.planted_truth": select})
    assert "dagster/column_schema" in definition_metadata(broken, "report.planted_truth")


def test_the_lineage_table_quotes_the_question(specs: dict[str, dg.AssetSpec]) -> None:
    shown_lineage = specs["core.respondents"].metadata[LINEAGE].md_str
    [line] = [line for line in shown_lineage.splitlines() if "`has_cramps`" in line and "nhanes_slq" in line]
    assert "raw.nhanes_slq: `SLQ160`" in line
    assert "leg cramps while trying to sleep" in line
    deps = specs["core.respondents"].metadata["dagster/column_lineage"].deps_by_column["has_cramps"]
    assert dg.TableColumnDep(dg.AssetKey(["raw", "nhanes_slq"]), "SLQ160") in deps
    assert {dep.asset_key.path[1] for dep in deps} == {
        "nhanes_slq",
        "synthetic_survey_respondents",
        "synthetic_case_control_participants",
    }


def respondents(project: Project, source: str, columns: list[str]) -> duckdb.DuckDBPyConnection:
    """The accepted respondents of a source, with every other column NULL."""
    places = [place for place in project.places("core.respondents") if place.source == source]
    accepted = [(place, project.store.accepted(place)) for place in places]
    paths = [str(project.store.path(place, sidecar.content)) for place, sidecar in accepted if sidecar and sidecar.content]
    types = project.contracts["core.respondents"].column_types()
    kept = ", ".join(
        identifier(name) if name in columns else f"cast(null as {kind}) as {identifier(name)}" for name, kind in types.items()
    )
    connection = duckdb.connect()
    connection.execute(f"create schema core; create table core.respondents as select {kept} from read_parquet({paths})")
    return connection


@pytest.mark.parametrize("table", ESTIMATORS)
@pytest.mark.parametrize("name", [SURVEY, "synthetic_case_control"])
def test_an_estimate_depends_on_no_column_but_those_noted_as_read(published_synthetic: Atlas, table: str, name: str) -> None:
    project = published_synthetic.project
    source = project.sources[name]
    place = Place("report", table.partition(".")[2], name, "all")
    sidecar = project.store.accepted(place)
    assert sidecar
    assert sidecar.content
    estimation = Estimation(
        respondents(project, name, sidecar.columns_read),
        "core.respondents",
        project.study.without(SETTINGS_NOT_READ[table]),
        source,
        source.study_waves,
        project.comparability_of(source),
        standard_population=project.standard_population,
        received=records_received(project, source) if table in COUNTING_RECORDS else {},
    )
    made = ESTIMATORS[table](estimation)
    accepted = pl.read_parquet(project.store.path(place, sidecar.content))
    assert made.height == accepted.height
    assert made.equals(accepted.select(made.columns).cast(made.schema))
    assert len(sidecar.columns_read) < 30 or not accepted.height  # of 54: not simply all of them


def test_a_report_says_what_its_estimator_has_read(published_synthetic: Atlas) -> None:
    lineage = metadata(published_synthetic.project, PREVALENCE)[LINEAGE].md_str
    [line] = [line for line in lineage.splitlines() if "`has_cramps`" in line]
    assert "| outcome | raw.synthetic_survey_respondents: `leg_cramps` |" in line
    assert "takes_statin" not in lineage
    assert "interview_weight" in lineage


def metadata(project: Project, table: str) -> dict[str, Any]:
    return dict(materialisation(project, table, 0).metadata or {})


def test_a_preview_has_the_rows_of_the_table(published_synthetic: Atlas) -> None:
    [(share, lower, upper, n, cases)] = published_synthetic.query(
        f"select prevalence, prevalence_lower, prevalence_upper, n_respondents, n_cases from {PREVALENCE} "
        "where source = 'synthetic_survey' and outcome = 'has_cramps' and age_band = '60-69'"
    )
    text = metadata(published_synthetic.project, PREVALENCE)["preview"].md_str.replace("\N{NO-BREAK SPACE}", " ")
    [line] = [line for line in text.splitlines() if "| Any leg cramps at night in the past month | 60-69 |" in line]
    assert f"| {share:.3f} ({lower:.3f} to {upper:.3f}) | {n:,} | {cases:,} |" in line
    assert "is synthetic yes" in text
    assert text.endswith("24 of 24 rows")
    matched = metadata(published_synthetic.project, "report.odds_ratios")["preview"].md_str
    assert "**source synthetic_case_control, wave pooled, is synthetic yes**\n\n| population | outcome | exposure |" in matched


def test_figures_are_pictures_small_enough_for_every_night(published_synthetic: Atlas) -> None:
    for table in (PREVALENCE, "report.odds_ratios"):
        text = metadata(published_synthetic.project, table)["figures"].md_str
        assert text.count("![") == text.count("](data:image/svg+xml;base64,") >= 2
        assert "synthetic" in text
        assert len(text) < 200_000
    assert "figures" not in metadata(published_synthetic.project, "report.trends")


def test_figures_of_the_same_rows_are_not_drawn_again(published_synthetic: Atlas, monkeypatch: pytest.MonkeyPatch) -> None:
    project = published_synthetic.project
    accepted = {place: sidecar for place in project.places(PREVALENCE) if (sidecar := project.store.accepted(place))}
    first = shown.report_metadata(project, PREVALENCE, accepted, {})
    monkeypatch.setitem(shown.DRAW, PREVALENCE, lambda labels, rows: [Figure("<svg/>", "other", 1, 1)])
    again = shown.report_metadata(project, PREVALENCE, accepted, first)
    assert again["figures"] == first["figures"]
    label = project.study.outcomes["has_cramps"].model_copy(update={"label": "Cramps"})
    study = project.study.model_copy(update={"outcomes": {**project.study.outcomes, "has_cramps": label}})
    reworded = replace(project, study=study)
    assert "![other]" in shown.report_metadata(reworded, PREVALENCE, accepted, first)["figures"].md_str


def test_a_smaller_picture_says_the_same() -> None:
    drawn = (
        '<svg xmlns="http://www.w3.org/2000/svg" width="9"><g class="a" aria-hidden="true">'
        '<text font-family="F, G" opacity="1" x="1.23456" opacity-of="1">12.345 %</text>'
        '<path aria-hidden="true" d="" pointer-events="none" display="none"/><text font-family="F, G">b</text></g></svg>'
    )
    smaller = shown.smaller(drawn)
    assert smaller == (
        '<svg font-family="F, G" xmlns="http://www.w3.org/2000/svg" width="9"><g><text x="1.23" opacity-of="1">12.345 %</text>'
        "<text>b</text></g></svg>"
    )
    assert [text.text for text in ElementTree.fromstring(smaller).iter() if text.text] == ["12.345 %", "b"]


def texts(value: object) -> Iterator[str]:
    if isinstance(value, dg.TableMetadataValue):
        yield from (str(record.data) for record in value.records)
    else:
        yield str(getattr(value, "value", value))


def test_nothing_is_counted_of_a_restricted_source(restricted: Project, published_synthetic: Atlas) -> None:
    """Only its name, what it was asked and which of its objects there are may be seen."""
    report = {name for name in restricted.report_tables if name != "report.planted_truth"}
    for table in [*restricted.tables("raw"), *restricted.core_tables, *restricted.report_tables]:
        found = metadata(restricted, table)
        for key in ("preview", "figures"):
            assert SURVEY not in "".join(texts(found.get(key, ""))), (table, key)
        if table in report:
            assert SURVEY in found["not_shown"]
    core = metadata(restricted, "core.respondents")
    assert "dagster/row_count" not in core
    rows = {record.data["source"]: record.data["rows"] for record in core["objects"].records}
    assert rows[f"{SURVEY}, synthetic"] == HELD_BACK
    assert isinstance(rows["synthetic_case_control, synthetic"], int)
    assert SURVEY in "".join(texts(metadata(published_synthetic.project, PREVALENCE)["preview"]))  # when it is not restricted


def rejected(place: Place) -> Sidecar:
    result = {
        "rule_id": "age.range", "column": "age", "severity": "reject", "status": "failed", "n_checked": 3003, "n_failed": 7,
        "description": "age is at most 120", "detail": "7 of 3,003 values", "threshold": "0 values", "dimension": "validity",
        "query": "select 1",
    }  # fmt: skip
    passed = result | {"rule_id": "age.required", "status": "passed", "n_failed": 0, "description": "age is given"}
    return Sidecar(
        table=place.name, source=place.source, wave=place.wave, recipe="r", ingredients={}, content=None, rows=3003,
        verdict="rejected", problems=[], results=[result, passed],
    )  # fmt: skip


def table(check: dg.AssetCheckResult, key: str) -> list[dg.TableRecord]:
    value = check.metadata[key]
    assert isinstance(value, dg.TableMetadataValue)
    return list(value.records)


def test_a_failed_check_shows_numerator_denominator_threshold_and_what_to_do(published_synthetic: Atlas) -> None:
    place = Place("raw", "synthetic_survey_respondents", SURVEY, "2024")
    check = check_result(published_synthetic.project, place.name, {place: [rejected(place)]}, {SURVEY: ["age is wrong (7)"]})
    assert not check.passed
    assert check.description == (
        "2 rules: 1 passed, 1 did not, 0 had nothing to judge; rejected: readers keep what was accepted before"
    )
    [row] = [record.data for record in table(check, "not_passed")]
    assert (row["object"], row["failed"], row["allowed"]) == (f"{SURVEY} 2024", "7 of 3,003", "0 values")
    assert "ask for a corrected delivery" in str(row["what to do"])
    [judged] = [record.data for record in table(check, "rules_by_object")]
    assert (judged["rows"], judged["rules"], judged["passed"], judged["not passed"]) == ("3,003", 2, 1, 1)


def test_a_check_counts_nobody_of_a_restricted_source(restricted: Project) -> None:
    place = Place("raw", "synthetic_survey_respondents", SURVEY, "2024")
    drift = [{"source": SURVEY, "is_beyond": True, "detail": "7 rows fewer"}]
    check = check_result(restricted, place.name, {place: [rejected(place)]}, {SURVEY: ["age is wrong (7 of 3,003)"]}, drift)
    assert not check.passed
    seen = " ".join(text for value in check.metadata.values() for text in texts(value))
    assert "3,003" not in seen
    assert "7" not in seen.replace(str(check.metadata["rules_judged"].value), "")
    assert "age is at most 120" in seen
    assert "cramp-atlas status" in seen


def test_another_owner_reruns_nothing(synthetic: Atlas) -> None:
    def recipes() -> dict[Place, str]:
        project = synthetic.project
        tables = [*project.tables("raw"), *project.core_tables, *project.report_tables]
        places = [place for table in tables for place in project.places(table)]
        return {place: made.recipe for place in places if (made := plan(project, place))}

    before = recipes()
    for path in (synthetic.folder / "data_contracts").glob("*/*.odcs.yaml"):
        path.write_text(path.read_text(encoding="utf-8").replace("name: epidemiology", "name: sleep"), encoding="utf-8")
    assert synthetic.project.contracts["report.odds_ratios"].owners == ("team:sleep",)
    assert recipes() == before
