"""What a night reads of the respondents, counted: every read of every DuckDB of the night is in its log."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines.project.project import Project
from pipelines.project.respondents import CELLS
from pipelines.report import estimated
from pipelines.report.estimators import ESTIMATORS, Estimation
from pipelines.report.held import Held
from pipelines.report.membership import empty_populations
from pipelines.report.plan import plan_report
from pipelines.report.standing import Standing, standing_rows
from pipelines.store import Place
from pipelines.store.recipe import Plan
from tests.atlas import Atlas
from tests.benchmarks.big_survey import SOURCE, big_survey, delivered, write_wave

RESPONDENTS = "respondents"

ASKING_FOR_NO_KEY = (
    ("confidence_level: 0.95", "confidence_level: 0.9"),
    ("label: No leisure-time physical activity", "label: Sedentary"),
    ("    label: Adults aged 20 and older\n", "    label: Grown-ups\n"),
    ("standard_population: us_2000_adults_three_groups", "standard_population: us_2000_eleven_groups"),
    ("  takes_statin: {label: Statin, reference: false}\n", ""),
)
"""Changes of study.yaml: before, after."""

OF_MEANS = {"stratum", "psu", "exam_weight", "dietary_weight", "body_mass_index_kg_m2", "magnesium_intake_mg"}
"""Some of what the means of numbers are made of."""

Reads = dict[str, set[str]]
"""Wave -> the columns of its respondents of which anything was read."""


@contextmanager
def counting(atlas: Atlas, folder: Path) -> Iterator[Reads]:
    """What is read of the respondents in here, by DuckDB or by polars."""
    folder.mkdir()
    found: Reads = {}
    opened: set[str] = set()
    connect, read_parquet, scan_parquet = duckdb.connect, pl.read_parquet, pl.scan_parquet

    def logged(*arguments: Any, **named: Any) -> duckdb.DuckDBPyConnection:
        connection = connect(*arguments, **named)
        if (named.get("config") or {}).get("enable_external_access", True):  # otherwise it may read no file at all
            target = folder / str(len(list(folder.iterdir())))
            connection.execute(f"call enable_logging('FileSystem', storage = 'file', storage_path = '{target}')")
        return connection

    def noted(source: Any, *arguments: Any, **named: Any) -> pl.DataFrame:
        opened.update(map(str, source if isinstance(source, list) else [source]))
        return read_parquet(source, *arguments, **named)

    def scanned(source: Any, *arguments: Any, **named: Any) -> pl.LazyFrame:
        opened.update(map(str, source if isinstance(source, list) else [source]))
        return scan_parquet(source, *arguments, **named)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(duckdb, "connect", logged)
        patch.setattr(pl, "read_parquet", noted)
        patch.setattr(pl, "scan_parquet", scanned)
        yield found
    root = atlas.settings.warehouse_folder / "store" / "core" / RESPONDENTS
    assert not [path for path in opened if str(root) in path]
    for wave, columns in _columns(root, folder):
        found.setdefault(wave, set()).update(columns)


def _columns(root: Path, logs: Path) -> Iterator[tuple[str, set[str]]]:
    """Wave and column of each read in the logs that begins in a column of an object below `root`."""
    entries = f"read_csv('{logs}/*/duckdb_log_entries.csv', header = true, all_varchar = true)"
    with duckdb.connect() as connection:
        messages = connection.sql(f"select message from {entries} where contains(message, '{root}')").fetchall()
    for (message,) in messages:
        read = json.loads(message)
        path, start = Path(read["path"]), int(read.get("pos", 0))
        columns = {name for name, first, end in _chunks(path) if read["op"] == "READ" and first <= start < end}
        if columns:
            yield path.parent.name, columns


@cache
def _chunks(path: Path) -> list[tuple[str, int, int]]:
    """Columns of a Parquet, and from where to where their values lie; after them comes its footer."""
    with pq.ParquetFile(path) as file:
        groups = [file.metadata.row_group(number) for number in range(file.metadata.num_row_groups)]
    chunks = [group.column(number) for group in groups for number in range(group.num_columns)]
    firsts = [chunk.dictionary_page_offset if chunk.has_dictionary_page else chunk.data_page_offset for chunk in chunks]
    return [
        (chunk.path_in_schema, first, first + chunk.total_compressed_size) for chunk, first in zip(chunks, firsts, strict=True)
    ]


@pytest.fixture(scope="module")
def survey(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Atlas]:
    """A survey of two waves, as if they were large: added up, and views in the release."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("pipelines.making.cells.LARGE_WAVE", 0)
        patch.setattr("pipelines.making.cells.LARGEST_SHARE", 1.0)
        patch.setenv("CRAMP_ATLAS_VIEWS_ABOVE_ROWS", "0")
        yield big_survey(tmp_path_factory.mktemp("survey") / "project", 3_000, 2)


def test_a_night_reads_only_the_respondents_that_are_new(survey: Atlas, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first night shows that reads are counted."""
    first, second = survey.project.sources[SOURCE].study_waves
    asked_for = _noted(monkeypatch)
    with counting(survey, tmp_path / "first") as reads:
        assert survey.refresh().rejected == []
    assert asked_for == {table: [frozenset()] for table in ESTIMATORS}
    assert reads[first] == reads[second] >= {"takes_statin", *OF_MEANS}

    for before, after in ASKING_FOR_NO_KEY:
        survey.edit("study.yaml", before, after)
    with counting(survey, tmp_path / "asking") as reads:
        refreshed = survey.refresh()
        assert empty_populations(survey.project) == []
    assert refreshed.rejected == []
    assert refreshed.n_made >= 8
    assert reads == {}
    _are_those_of_the_respondents(survey, monkeypatch)

    write_wave(delivered(survey, second), 1_500, 7)
    asked_for.clear()
    with counting(survey, tmp_path / "wave") as reads:
        assert survey.refresh().rejected == []
        assert empty_populations(survey.project) == []
    assert reads[second] >= {"takes_statin", *OF_MEANS}
    assert reads.keys() == {second}
    assert asked_for == {table: [frozenset({first})] for table in ESTIMATORS}
    _are_those_of_the_respondents(survey, monkeypatch)

    assert _stood(survey, {}) == _stood(survey, {"waves": "others", "comparability": "other"}) == {first, second}
    assert _stood(survey, {"source": "other"}) == _stood(survey, {"estimator code": "other"}) == frozenset()
    _by_all_waves_of_before(survey, monkeypatch)


def _noted(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[frozenset[str]]]:
    """Table -> the waves that stood each time that its estimator ran from now on."""
    asked_for: dict[str, list[frozenset[str]]] = {}
    rows_of = estimated._rows

    def noted(estimation: Estimation, table: str, standing: Standing, schema: pa.Schema) -> pa.Table:
        asked_for.setdefault(table, []).append(standing.waves)
        return rows_of(estimation, table, standing, schema)

    monkeypatch.setattr(estimated, "_rows", noted)
    return asked_for


def _are_those_of_the_respondents(survey: Atlas, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tables that were made of cells, and of means that stood, are the same to the bit as of the respondents."""
    project = survey.project
    assert project.store.accepted(Place("core", CELLS.removeprefix("core."), SOURCE, project.sources[SOURCE].study_waves[0]))
    with monkeypatch.context() as patch:
        patch.setattr(estimated, "held_cells", lambda *_: Held())
        patch.setattr(estimated, "standing_rows", lambda *_: Standing())
        for table in ESTIMATORS:
            place = Place("report", table.removeprefix("report."), SOURCE, "all")
            accepted = project.store.accepted(place)
            assert accepted
            made = estimated.estimated(project, plan_report(project, place))
            assert accepted.content == made.content, table
            assert accepted.columns_read == made.columns_read, table
            assert accepted.of_all_waves == made.of_all_waves, table


def _stood(survey: Atlas, changed: Mapping[str, str]) -> frozenset[str]:
    """The waves whose rows would stand of a table of which other ingredients are what they are now, but for those `changed`."""
    project, place = survey.project, Place("report", "trends", SOURCE, "all")
    plan = plan_report(project, place)
    return standing_rows(project, replace(plan, ingredients={**plan.ingredients, **changed})).waves


def _by_all_waves_of_before(survey: Atlas, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where all waves together had another level or column than now, no row stands."""
    project, place = survey.project, Place("report", "odds_ratios", SOURCE, "all")
    plan, found = plan_report(project, place), []
    accepted = project.store.accepted(place)
    assert accepted
    kinds = {question.partition(" ")[0]: question for question in accepted.of_all_waves}
    assert kinds.keys() == {"asked:", "levels", "places"}
    for question in kinds.values():

        def as_before(project: Project, plan: Plan, question: str = question) -> Standing:
            stood = standing_rows(project, plan)
            found.append(question)
            nothing = pl.lit(None, pl.Float64).alias("odds_ratio")
            return replace(stood, rows=stood.rows.with_columns(nothing), of_all_waves={**stood.of_all_waves, question: "other"})

        with monkeypatch.context() as patch:
            patch.setattr(estimated, "standing_rows", as_before)
            assert estimated.estimated(project, plan).content == accepted.content, question
    assert found == list(kinds.values())
