"""What Dagster is told, and that SQL, contracts and assets carry the same names."""

from dataclasses import replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import dagster as dg
import pytest
import sqlglot
from dagster._utils.schedules import schedule_execution_time_iterator
from sqlglot import exp

from pipelines.dagster.freshness import longest_gap
from pipelines.dagster.graph import definitions
from pipelines.machine.errors import ConfigurationError
from pipelines.project.project import Project
from pipelines.project.study import Nightly
from pipelines.stages import load_project
from tests.atlas import make_atlas


@pytest.fixture(scope="module")
def project() -> Project:
    return load_project()


@pytest.fixture(scope="module")
def repository(project: Project) -> dg.RepositoryDefinition:
    return definitions(project).get_repository_def()


def test_every_contract_of_raw_core_and_report_is_an_asset_of_its_group(
    project: Project, repository: dg.RepositoryDefinition
) -> None:
    graph = repository.asset_graph
    groups = {key.to_user_string().replace("/", "."): graph.get(key).group_name for key in graph.get_all_asset_keys()}
    contracted = {name: name.partition(".")[0] for name in project.contracts if not name.startswith("meta.")}
    assert groups == contracted | {"release.warehouse": "release"}


def test_every_table_has_a_check_that_does_not_block_the_others(repository: dg.RepositoryDefinition, project: Project) -> None:
    graph = repository.asset_graph
    checked = {key.asset_key.to_user_string().replace("/", ".") for key in graph.asset_check_keys}
    assert checked == {name for name in project.contracts if not name.startswith("meta.")}
    assert not any(graph.get_check_spec(key).blocking for key in graph.asset_check_keys)


@pytest.mark.parametrize(
    ("cron", "day_before", "expected"),
    [
        # the clocks go forward: there is no 02:30
        ("0 4 * * *", datetime(2026, 3, 28, 12), ["2026-03-29T04:00:00+02:00", "2026-03-30T04:00:00+02:00"]),
        ("30 2 * * *", datetime(2026, 3, 28, 12), ["2026-03-29T03:00:00+02:00", "2026-03-30T02:30:00+02:00"]),
        # and back: there are two
        ("0 4 * * *", datetime(2026, 10, 24, 12), ["2026-10-25T04:00:00+01:00", "2026-10-26T04:00:00+01:00"]),
        ("30 2 * * *", datetime(2026, 10, 24, 12), ["2026-10-25T02:30:00+01:00", "2026-10-26T02:30:00+01:00"]),
    ],
)
def test_the_night_comes_once_when_the_clocks_change(
    project: Project, cron: str, day_before: datetime, expected: list[str]
) -> None:
    """The ticks of the schedule itself, as Dagster's daemon asks for them."""
    nightly = project.study.nightly.model_copy(update={"cron": cron})
    study = project.study.model_copy(update={"nightly": nightly})
    schedule = definitions(replace(project, study=study)).get_repository_def().get_schedule_def("nightly")
    zone = ZoneInfo(project.study.nightly.timezone)
    assert (schedule.cron_schedule, schedule.execution_timezone) == (cron, "Europe/Paris")
    ticks = schedule_execution_time_iterator(day_before.replace(tzinfo=zone).timestamp(), schedule.cron_schedule, str(zone))
    assert [next(ticks).isoformat() for _ in expected] == expected


@pytest.mark.parametrize(
    ("cron", "hours"),
    [("0 4 * * *", 25), ("30 2 * * *", 25), ("0 4 * * 1-5", 73), ("* * * * *", 1 / 60)],
)
def test_what_readers_see_is_too_old_when_a_night_was_missed(cron: str, hours: float) -> None:
    """The longest wait: the night on which the clocks go back, or a weekend; and two hours for the night itself."""
    gap = longest_gap(Nightly(cron=cron, timezone="Europe/Paris"), datetime(2026, 1, 1, tzinfo=ZoneInfo("UTC")))
    assert gap == timedelta(hours=hours)


def test_selects_stay_inside_what_a_cluster_runs_too(project: Project) -> None:
    """Functions that Spark answers otherwise, without a word: found by running both."""
    silently_different = (exp.DateDiff, exp.Quantile, exp.PercentileCont)
    names = {"log", "hash", "date_diff", "datediff", "quantile_cont", "regexp_full_match"}
    for name, select in project.selects.items():
        tree = sqlglot.parse_one(select.text, read="duckdb")
        called = {function.sql_name().lower() for function in tree.find_all(exp.Func)} | {
            call.name.lower() for call in tree.find_all(exp.Anonymous)
        }
        assert not called & names, name
        assert not list(tree.find_all(*silently_different)), name
        assert sqlglot.transpile(select.text, read="duckdb", write="spark", unsupported_level=sqlglot.ErrorLevel.RAISE)


def test_selects_are_ordered_so_that_equal_rows_make_equal_files(project: Project) -> None:
    ordered = {name: select for name, select in project.selects.items() if name.partition("/")[0] not in project.vocabularies}
    for name, select in [*ordered.items(), *project.vocabularies.items()]:
        assert sqlglot.parse_one(select.text, read="duckdb").args.get("order"), name


def test_the_schema_and_code_of_the_pipeline_name_no_condition() -> None:
    """What is studied stands in study.yaml, contracts, codebooks and SQL; another study needs no Python."""
    from pipelines.machine.settings import REPOSITORY

    words = ("cramp", "diuretic", "sedentary", "magnesium", "slq160")
    for path in (REPOSITORY / "pipelines").rglob("*.py"):
        text = (
            path.read_text(encoding="utf-8")
            .lower()
            .replace("cramp atlas", "")
            .replace("cramp-atlas", "")
            .replace("cramp_atlas", "")
            .replace("crampatlas", "")
        )
        assert not [word for word in words if word in text], path


def test_a_project_that_does_not_fit_together_names_every_problem(tmp_path_factory: pytest.TempPathFactory) -> None:
    atlas = make_atlas(tmp_path_factory.mktemp("unfit") / "project")
    (atlas.folder / "sql/core/respondents/nhanes.sql").unlink()
    (atlas.folder / "sql/report/planted_truth.sql").unlink()
    atlas.edit("study.yaml", "  takes_statin:", "  takes_aspirin:")
    (atlas.folder / "sql/checks/respondent__is_real.sql").write_text("select * from core.respondent", encoding="utf-8")
    contract = atlas.folder / "data_contracts/raw/nhanes_paq.odcs.yaml"
    before, column, after = contract.read_text(encoding="utf-8").partition("name: PAD680\n")
    contract.write_text(before + column + after.replace("2007-2008", "2007-2009", 1), encoding="utf-8")
    with pytest.raises(ConfigurationError) as caught:
        _ = atlas.project
    message = str(caught.value)
    assert "sql/checks/respondent__is_real.sql is about no table that has a contract" in message
    assert "sql/checks/respondent__is_real.sql reads core.respondent, which is no table" in message
    assert "nhanes.yaml has no wave 2007-2009, which contracts name as one that was asked: nhanes_paq.PAD680" in message
    assert "add sql/core/respondents/nhanes.sql" in message
    assert "add sql/report/planted_truth.sql" in message
    assert "study.yaml, line 45 (exposures.takes_aspirin): takes_aspirin is no column of core.respondents" in message


def test_a_select_must_be_one_select(tmp_path_factory: pytest.TempPathFactory) -> None:
    atlas = make_atlas(tmp_path_factory.mktemp("ddl") / "project")
    (atlas.folder / "sql/report/planted_truth.sql").write_text("create table report.planted_truth as select 1", encoding="utf-8")
    with pytest.raises(ConfigurationError, match=r"sql/report/planted_truth\.sql must hold exactly one select"):
        _ = atlas.project
