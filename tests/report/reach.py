"""Everything that readers see of the small study: what differs when one setting differs."""

import io
import json
import math
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from zipfile import ZipFile

import duckdb
import polars as pl
from lxml import html

from pipelines.machine.console import PlainConsole
from pipelines.project.project import Project
from pipelines.project.sources import Source
from pipelines.project.standards import load_standard_populations
from pipelines.project.study import Study
from pipelines.release import meta
from pipelines.release.page.content import Content, Held, content_of
from pipelines.release.page.writing import render, write_document
from pipelines.report.estimators import ESTIMATORS, SETTINGS_NOT_READ, Estimation, Received
from pipelines.report.scales import marked_for_scale
from pipelines.stages import load_project
from pipelines.terminal.summary import _print_odds_ratios, _print_prevalence
from tests.report.small_study import BASE, N, World, people

Effects = dict[str, Any]
"""Place that readers see -> what stands there."""

NOISE = 1e-9
"""Relative difference of sums that are added up in another order."""


@cache
def project() -> Project:
    return load_project()


def project_of(world: World) -> Project:
    """The repository's contracts, with the settings of the world."""
    study = Study.model_validate(world.study)
    standards = load_standard_populations(project().settings.data_contracts / "standard_populations.csv")
    return replace(
        project(),
        study=study,
        sources={name: Source.model_validate(source) for name, source in world.sources.items()},
        standard_population=standards[study.standardisation.standard_population],
    )


PUBLISHED = {"title", "microdata", "homepage", "citation", "terms_of_use"}
TOLD = {"target_population", "setting", "eligibility", "response"}
COMPARED = {"design_columns", "waves_follow_one_another"}
DELIVERED = {"generator", "waves"}
NOT_ESTIMATED = PUBLISHED | TOLD | COMPARED | DELIVERED
"""What the recipe of an estimate does not name of a source: nothing is estimated anew for it."""

_ESTIMATED: dict[str, pl.DataFrame] = {}


def _without_labels(settings: Any) -> Any:
    if isinstance(settings, dict):
        return {name: _without_labels(value) for name, value in settings.items() if name != "label"}
    return settings


def estimated(made: Project, table: str, source: Source) -> pl.DataFrame:
    """The rows of one source in a report table, estimated anew where anything that its estimator may read differs."""
    study = made.study
    read = set(study.of_estimates()) - SETTINGS_NOT_READ[table] - {"study"}
    question = json.dumps(
        [
            table,
            _without_labels({name: json.loads(value) for name, value in study.settings_of_estimates(read).items()}),
            study.age_bands.lower_bounds,
            source.model_dump(mode="json", exclude=set(NOT_ESTIMATED)),
            source.top_codes(),
            made.standard_population.groups.to_dicts(),
        ],
        default=str,
    )
    if question not in _ESTIMATED:
        with duckdb.connect() as connection:
            _bind(connection, made, source)
            asked = Estimation(
                connection,
                "core.respondents",
                study.without(SETTINGS_NOT_READ[table]),
                source,
                source.study_waves,
                source.verdicts,
                standard_population=made.standard_population,
                received={wave: Received(n_received=N + 5, n_set_aside=5) for wave in source.study_waves},
            )
            _ESTIMATED[question] = marked_for_scale(ESTIMATORS[table](asked), asked)
    return _ESTIMATED[question]


@contextmanager
def estimated_anew(*tables: str) -> Iterator[None]:
    """What was estimated of tables is forgotten, and so is what is estimated inside, where something is broken on purpose."""
    kept = dict(_ESTIMATED)
    for question in kept:
        if json.loads(question)[0] in tables:
            del _ESTIMATED[question]
    try:
        yield
    finally:
        _ESTIMATED.clear()
        _ESTIMATED.update(kept)


def _bind(connection: duckdb.DuckDBPyConnection, made: Project, source: Source) -> None:
    bands = made.study.age_bands.frame()
    frame = people(source.source).with_columns(is_synthetic=pl.lit(source.is_synthetic))
    frame = frame.join_where(bands, pl.col("age_years") >= pl.col("lower_age"), pl.col("age_years") < pl.col("upper_age"))
    top_code = source.top_codes().get("age_years")
    if top_code is not None:
        frame = frame.with_columns(pl.col("age_years").clip(upper_bound=top_code))
    types = made.contracts["core.respondents"].column_types()
    columns = ", ".join(name if name in frame.columns else f"cast(null as {kind}) as {name}" for name, kind in types.items())
    connection.register("people", frame.to_arrow())
    connection.execute(f"create schema core; create table core.respondents as select {columns} from people order by all")


def report_of(made: Project) -> dict[str, list[dict[str, Any]]]:
    """Rows by report table; a column that the estimator has nothing for is NULL."""
    rows: dict[str, list[dict[str, Any]]] = {}
    for table in made.report_tables:
        columns = dict.fromkeys(made.contracts[table].column_types())
        frames = [estimated(made, table, source) for source in made.sources.values()] if table in ESTIMATORS else []
        rows[table] = [columns | row for frame in frames for row in frame.iter_rows(named=True)]
    return rows


def effects(world: World) -> Effects:
    """What stands in every place that readers see."""
    made = project_of(world)
    reports = report_of(made)
    said: Effects = {}
    for table, rows in reports.items():
        key = [column.name for column in made.contracts[table].columns if column.key_position is not None]
        name = table.removeprefix("report.")
        said[f"{name}: rows"] = sorted(str([row[column] for column in key]) for row in rows)
        for column in made.contracts[table].column_types():
            said[f"{name}.{column}"] = {str([row[one] for one in key]): row[column] for row in rows}
    held = Held(
        reports=reports,
        deliveries=[],
        checks=[],
        comparability=meta._comparability(made).to_dicts(),
        changes=pl.DataFrame(),
        sources=meta._sources(made),
    )
    manifest = {"release_id": "release", "published_at": "2026-01-01", "compared_with": None}
    content = content_of(made, held, manifest)
    return said | dict(_page(made, content)) | dict(_terminal(made, reports))


@cache
def effects_of_base() -> Effects:
    """What stands there without any change."""
    return effects(BASE)


def _page(made: Project, content: Content) -> Iterator[tuple[str, Any]]:
    for table in content.tables:
        kind = table.name.split("-")[0]
        for what in ("title", "about", "columns", "rows", "notes", "footnotes"):
            yield f"page {kind}: {what} of {table.name}", getattr(table, what)
    tree = html.fromstring(render(made, content))
    for number, picture in enumerate(tree.xpath("//figure")):
        yield f"figure: {number}", html.tostring(picture)
    for part in tree.xpath("//figure | //div[@class='table'] | //p[@class='files']"):
        part.drop_tree()
    answers = tree.xpath("//*[@class='answer']")
    yield "page: answer", [" ".join(part.text_content().split()) for part in answers]
    for part in answers:
        part.drop_tree()
    yield "page: title", tree.xpath("string(//title)")
    yield "page: heading", tree.xpath("string(//header)")
    yield "page: about", tree.xpath("string(//section[@id='about'])")
    yield "page: methods", tree.xpath("string(//section[@id='methods'])")
    yield "page: not shown", tree.xpath("string(//section[@id='not-shown'])")
    yield "page: citation", tree.xpath("string(//section[@id='cite'])")
    of_sources = tree.xpath("//main/section")[: len(content.sources)]
    yield "page: sources", [" ".join(part.text_content().split()) for part in of_sources]
    yield "word", _texts_of_word(made, content)


def _texts_of_word(made: Project, content: Content) -> list[str]:
    """The title and every run of text in the file, read from its own markup."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "tables.docx"
        write_document(made, content, path)
        with ZipFile(path) as file:
            parts = [file.read(name).decode() for name in ("docProps/core.xml", "word/document.xml")]
    return [text for part in parts for text in re.findall(r"<(?:w:t|dc:title)[^>]*>([^<]*)<", part)]


def _terminal(made: Project, reports: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    with duckdb.connect() as connection:
        connection.execute("create schema report")
        for table in ("report.prevalence_by_age_band", "report.odds_ratios"):
            frame = pl.DataFrame(reports[table], infer_schema_length=None)
            connection.register("rows", frame.to_arrow())
            connection.execute(f"create table {table} as from rows")
        for name, say in (("prevalence", _print_prevalence), ("odds ratios", _print_odds_ratios)):
            out = io.StringIO()
            say(made, connection, PlainConsole(file=out, width=400))
            yield f"terminal: {name}", out.getvalue()


def _differ(one: Any, other: Any) -> bool:
    """Whether a place differs; a column of a table by the rows that both have."""
    if isinstance(one, dict) and isinstance(other, dict):
        return any(_differ(one[key], other[key]) for key in one.keys() & other.keys())
    if isinstance(one, float) and isinstance(other, float):
        return not math.isclose(one, other, rel_tol=NOISE)
    return bool(one != other)


def reach(before: Effects, after: Effects) -> set[str]:
    """The places that differ, without the names of tables on the page and the numbers of figures."""
    differ = {place for place in before.keys() | after.keys() if _differ(before.get(place), after.get(place))}
    return {re.sub(r"^(page .*) of .*|^(figure): .*", r"\1\2", place) for place in differ}
