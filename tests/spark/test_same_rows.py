"""What Spark Connect makes is what DuckDB makes: rows, their order, files and verdicts."""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import duckdb
import polars as pl
import pyarrow.parquet as pq
import pytest

from pipelines.core.harmonise import harmonised
from pipelines.core.plan import plan_core
from pipelines.machine.settings import Settings
from pipelines.making.engine import bind_frame, engine
from pipelines.making.judging import judge_claims, judge_contract
from pipelines.making.spark import Server, server
from pipelines.project.project import Project
from pipelines.project.selects import tables_read
from pipelines.report.by_select import by_select
from pipelines.report.plan import plan_report
from pipelines.stages import load_project
from pipelines.store import Place
from tests.atlas import Atlas
from tests.making.test_portable import NOT_CARRIED, SQL
from tests.nhanes_files import nhanes_folder
from tests.spark.servers import apache_spark, no_apache_spark, sail


@pytest.fixture(scope="module", params=["sail", "apache spark"])
def remote(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """One server of each kind for all tests of this file."""
    if request.param == "sail":
        with sail() as running:
            yield running.remote
    elif reason := no_apache_spark():
        pytest.skip(reason)
    else:
        with apache_spark(tmp_path_factory.mktemp("apache_spark")) as running_at:
            yield running_at


def on_spark(atlas: Atlas, remote: str) -> Project:
    return load_project(Settings(project=atlas.folder, engine="spark", spark_remote=remote))


@contextmanager
def released(atlas: Atlas, remote: str, texts: dict[str, str]) -> Iterator[tuple[duckdb.DuckDBPyConnection, Server]]:
    """The tables of the release that selects read, on both engines."""
    settings = Settings(project=atlas.folder, spark_remote=remote)
    tables = {table for name, text in texts.items() for table in tables_read(text, name)}
    with engine(settings) as planner:
        with duckdb.connect(str(atlas.warehouse / "epi.duckdb"), read_only=True) as release:
            for table in sorted(tables):
                schema, _, name = table.partition(".")
                rows = pl.from_arrow(release.sql(f"from {table}").to_arrow_table())
                assert isinstance(rows, pl.DataFrame)
                bind_frame(planner, schema, name, rows)
        with server(settings, planner) as spark:
            yield planner, spark


def assert_equal(ours: list[dict[str, Any]], theirs: list[dict[str, Any]], name: str) -> None:
    """Equal rows in equal order, numbers to 1e-12."""
    assert len(ours) == len(theirs), name
    for one, other in zip(ours, theirs, strict=True):
        assert list(one) == list(other), name
        for column, value in one.items():
            if isinstance(value, float) and isinstance(other[column], float):
                assert math.isclose(value, other[column], rel_tol=1e-12, abs_tol=1e-12), (name, column, value, other[column])
            else:
                assert value == other[column], (name, column)


def texts_of(folder: str) -> dict[str, str]:
    files = {path: str(path.relative_to(SQL)) for path in sorted((SQL / folder).glob("*.sql"))}
    return {name: path.read_text(encoding="utf-8") for path, name in files.items() if name not in NOT_CARRIED}


@pytest.fixture(scope="module")
def everything(request: pytest.FixtureRequest) -> Atlas:
    """All sources with the register of published estimates; the embedded ones alone where NHANES' files are not there."""
    try:
        nhanes_folder()
    except pytest.skip.Exception:
        return cast(Atlas, request.getfixturevalue("published_synthetic"))
    return cast(Atlas, request.getfixturevalue("published_evidence"))


def test_every_query_returns_equal_rows_in_equal_order(everything: Atlas, remote: str) -> None:
    texts = texts_of("queries")
    with released(everything, remote, texts) as (planner, spark):
        for name, text in texts.items():
            ours = planner.sql(text).to_arrow_table().to_pylist()
            assert_equal(ours, spark.rows(text).read_all().to_pylist(), name)
    assert len(texts) > 20


def places(project: Project, table: str) -> list[Place]:
    found = [place for place in project.places(table) if (known := project.store.accepted(place)) and known.content]
    assert found
    return found


def rows_of(project: Project, place: Place, content: str) -> list[dict[str, Any]]:
    return list(pq.read_table(project.store.path(place, content)).to_pylist())


def test_a_night_makes_the_same_core_files_and_report_tables(everything: Atlas, remote: str, tmp_path: Path) -> None:
    """Core tables to the byte, report tables to 1e-12 in equal order, and every rule and claim with an equal result."""
    elsewhere = Atlas(everything.copy(tmp_path / "project").folder)
    elsewhere.settings = Settings(project=elsewhere.folder, engine="spark", spark_remote=remote)
    assert elsewhere.refresh().success
    here, spark = everything.project, elsewhere.project
    made = set()
    for place in (place for table in spark.contracts for place in spark.places(table)):
        ours, theirs = here.store.accepted(place), spark.store.accepted(place)
        if ours is None or theirs is None:
            assert ours == theirs, place
            continue
        assert (theirs.verdict, theirs.rows, theirs.results) == (ours.verdict, ours.rows, ours.results), place
        if theirs.content != ours.content:  # which names the very bytes
            assert place.schema == "report", place
            assert_equal(rows_of(here, place, str(ours.content)), rows_of(spark, place, str(theirs.content)), str(place))
        if theirs.ingredients.get("engine") == "spark":
            made |= {place.name, f"{place.name}/{place.source}"}
    assert {name for name in spark.selects if name.startswith(("core.", "report."))} <= made
    assert {f"{contract.schema}.{contract.table}" for contract in spark.contracts.values() if contract.schema == "report"} <= made


def test_events_are_the_same_files(published_events: Atlas, remote: str) -> None:
    """What only a study of events has: its core tables, what was planted in them, and the claims about both."""
    spark, here = on_spark(published_events, remote), published_events.project
    events = [table for table in spark.contracts if table.startswith("core.") and table != spark.study.respondents]
    for place in (place for table in events for place in places(spark, table)):
        accepted = here.store.accepted(place)
        made = harmonised(spark, plan_core(spark, place))
        assert accepted is not None
        assert (made.content, made.rows) == (accepted.content, accepted.rows), place
        candidate = spark.store.path(place, made.content)
        assert judge_contract(spark, place, candidate) == judge_contract(here, place, candidate)
        assert judge_claims(spark, place, {place: candidate}) == judge_claims(here, place, {place: candidate})
    place = places(spark, "report.planted_sequence_ratios")[0]
    made, accepted = by_select(spark, plan_report(spark, place)), here.store.accepted(place)
    assert accepted is not None
    assert_equal(rows_of(here, place, str(accepted.content)), rows_of(spark, place, made.content), str(place))
    for place in places(spark, "report.sequence_ratios"):
        assert judge_claims(spark, place, {}) == judge_claims(here, place, {})


def test_bad_rows_are_judged_alike(synthetic: Atlas, remote: str, tmp_path: Path) -> None:
    spark, here = on_spark(synthetic, remote), synthetic.project
    place = next(place for place in places(spark, "core.respondents") if place.source == "synthetic_survey")
    known = here.store.accepted(place)
    assert known is not None
    rows = pl.read_parquet(here.store.path(place, str(known.content))).head(50)
    number = pl.int_range(pl.len())
    bad = rows.with_columns(
        pl.when(number < 3).then(pl.lit("1")).when(number < 5).then(None).otherwise("respondent_id").alias("respondent_id"),
        pl.when(number < 7).then(pl.lit("unknown")).otherwise("sex").alias("sex"),
        pl.when(number < 2).then(-1).when(number < 4).then(500).otherwise("age_years").cast(pl.Int32).alias("age_years"),
        pl.when(number == 9).then(None).otherwise("wave").alias("wave"),
        pl.when(number == 1).then(-0.5).otherwise("interview_weight").alias("interview_weight"),
    )
    contract = here.contracts["core.respondents"]
    candidate = tmp_path / "bad.parquet"
    schema = contract.arrow_schema()
    pq.write_table(bad.to_arrow().select(schema.names).cast(schema), candidate)
    ours, theirs = judge_contract(here, place, candidate), judge_contract(spark, place, candidate)
    assert sum(result.status == "failed" for result in ours) >= 4
    assert theirs == ours
