"""What a report asset shows of its numbers: a preview of its rows, and its figures: of real sources, if there are any.

Nothing of a restricted source is shown: what may be seen of it is decided over all report tables together, when a release is
published, and stands in its public files.
"""

import base64
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

import dagster as dg
import polars as pl

from pipelines.contracts.columns import Column
from pipelines.contracts.model import Contract
from pipelines.dagster.assets.described import grid
from pipelines.machine.code import code_digest
from pipelines.machine.visible import markdown
from pipelines.making.faults import ANY, verdict_on
from pipelines.project.literature import PUBLISHED
from pipelines.project.project import Project
from pipelines.project.respondents import ALL, POOLED
from pipelines.project.words import spelled
from pipelines.release.figures.drawing import Figure
from pipelines.release.figures.forest import forest_figure
from pipelines.release.figures.prevalence import prevalence_figure
from pipelines.release.formatting import NOTHING, Row, p_value
from pipelines.release.page.events import classes_in_words
from pipelines.release.page.labels import Labels, best_of_waves, names_in
from pipelines.store import Place, Sidecar, digest

PREVIEW, FIGURES = "preview", "figures"

Draw = Callable[[Labels, Sequence[Row]], list[Figure]]

MOST_ROWS = 24
"""Rows of a preview: every run stores them."""

NAMES = frozenset({"source", "wave", "is_synthetic"})
"""Columns of a preview that stand above a single row, too."""

UNSEEN = re.compile(r' (?:class|role|pointer-events|aria-[a-z]+)="[^"]*"| (?:opacity|stroke-width)="1"| font-weight="normal"')
"""What an SVG holds that changes nothing in the picture."""

UNBROKEN = "\N{NO-BREAK SPACE}"

FONT = re.compile(r' font-family="([^"]*)"')
TAG = re.compile(r"<[^>]*>")
EMPTY = re.compile(r'<path d="(?:M0,0h0v0h0Z)?"(?: display="none")?/>')
DECIMALS = re.compile(r"(\d\.\d\d)\d+")


def report_metadata(project: Project, table: str, accepted: Mapping[Place, Sidecar], before: Mapping[str, Any]) -> dict[str, Any]:
    """Preview and figures of a report table. `before` is the metadata of the last materialisation: figures of the same rows,
    words and code are taken from there."""
    shown = {place: sidecar for place, sidecar in accepted.items() if not _is_restricted(project, place)}
    frames = [pl.read_parquet(project.store.path(place, sidecar.content)) for place, sidecar in shown.items() if sidecar.content]
    rows = pl.concat(frames).to_dicts() if frames else []
    metadata: dict[str, Any] = {}
    restricted = sorted({place.source for place in accepted if place not in shown})
    if restricted:
        metadata["not_shown"] = f"{', '.join(restricted)}: restricted; what may be shown stands in warehouse/epi_public.duckdb"
    if rows:
        try:
            metadata |= _figures(project, table, rows, shown, before)
        except ANY as error:
            metadata["not_drawn"] = f"the figures: {verdict_on(error, project.settings.warehouse_folder)}"
        metadata[PREVIEW] = _preview(project, project.contracts[table], rows)
    return metadata


def _is_restricted(project: Project, place: Place) -> bool:
    return place.source != PUBLISHED and project.sources[place.source].is_restricted


def _figures(
    project: Project, table: str, rows: Sequence[Row], shown: Mapping[Place, Sidecar], before: Mapping[str, Any]
) -> dict[str, Any]:
    draw = DRAW.get(table)
    if draw is None:
        return {}
    drawn_from = "[drawn from]: #" + digest(
        [
            [sidecar.content for sidecar in shown.values()],
            project.study.model_dump(mode="json", include={"outcomes", "exposures", "populations", "confidence_level"}),
            [[source.title, source.is_synthetic] for source in project.sources.values()],
            code_digest(["dagster.assets.shown"], ["project.project"]),
        ]
    )
    last = before.get(FIGURES)
    if isinstance(last, dg.MarkdownMetadataValue) and (last.md_str or "").endswith(drawn_from):
        return {FIGURES: last}
    sources = _in_order(project, rows)
    figures = [
        figure
        for source in [name for name in sources if not project.sources[name].is_synthetic] or sources
        for figure in _drawn(draw, Labels.of(project, source), [row for row in rows if row["source"] == source])
    ]
    pictures = "\n\n".join([*(_picture(figure) for figure in figures), drawn_from])
    return {FIGURES: dg.MetadataValue.md(pictures)} if figures else {}


def _drawn(draw: Draw, labels: Labels, rows: Sequence[Row]) -> list[Figure]:
    return draw(labels, [labels.said(row) for row in rows])


def _in_order(project: Project, rows: Sequence[Row]) -> list[str]:
    """The sources that have rows, real ones before synthetic ones."""
    synthetic = {name for name, source in project.sources.items() if source.is_synthetic}
    return sorted({row["source"] for row in rows}, key=lambda name: (name in synthetic, name))


def _prevalences(labels: Labels, rows: Sequence[Row]) -> list[Figure]:
    return [
        prevalence_figure(by_band, label.label, labels.about(name))
        for outcome, label in labels.study.outcomes.items()
        for name, population in labels.study.populations.items()
        if population.by_age_band
        if (
            by_band := [row for row in rows if row["outcome"] == outcome and row["population"] == name and row["age_band"] != ALL]
        )
    ]


def _forests(labels: Labels, rows: Sequence[Row]) -> list[Figure]:
    return [
        forest_figure(shown, labels.exposures, label.label, labels.about(shown[0]["population"]), labels.study.confidence_level)
        for outcome, label in labels.study.outcomes.items()
        for of_population in labels.by_population([row for row in rows if row["outcome"] == outcome and labels.knows(row)])
        if (shown := best_of_waves(of_population))
    ]


DRAW: Mapping[str, Draw] = {
    "report.prevalence_by_age_band": _prevalences,
    "report.odds_ratios": _forests,
}


def _picture(figure: Figure) -> str:
    """A figure as an image in Markdown, which holds its own vector graphic."""
    data = base64.b64encode(smaller(figure.svg).encode()).decode()
    return f"![{markdown(figure.alt)}](data:image/svg+xml;base64,{data})"


def smaller(svg: str) -> str:
    """The same picture in about half as many bytes: every run stores it."""
    font = FONT.search(svg)
    svg = TAG.sub(lambda tag: UNSEEN.sub("", DECIMALS.sub(r"\1", FONT.sub("", tag[0]))), svg)
    return EMPTY.sub("", svg.replace("<svg ", f"<svg{font[0]} ", 1) if font else svg)


def _preview(project: Project, contract: Contract, rows: Sequence[Row]) -> dg.MarkdownMetadataValue:
    """Some rows of each source, of all its waves together where they are pooled; what they have in common stands above them."""
    sources = _in_order(project, rows)
    n_shown = 0
    sections = []
    for number, source in enumerate(sources):
        of_source = [row for row in rows if row["source"] == source]
        pooled = [row for row in of_source if row.get("wave") == POOLED]
        chosen = (pooled or of_source)[: (MOST_ROWS - n_shown) // (len(sources) - number)]
        n_shown += len(chosen)
        said = [_in_words(project, source, row) for row in chosen]
        cells = {name: [_cell(row, name) for row in said] for name in _previewed(project, contract)}
        common = {name for name, values in cells.items() if len(set(values)) == 1 and (len(chosen) > 1 or name in NAMES)}
        varying = {name: values for name, values in cells.items() if name not in common}
        headings = {name: contract.column(name).label or spelled(name) for name in cells}
        above = ", ".join(f"{headings[name]} {markdown(values[0])}" for name, values in cells.items() if name in common)
        table = grid([headings[name] for name in varying], zip(*varying.values(), strict=True))
        sections.append(f"**{above}**\n\n{table}")
    return dg.MetadataValue.md("\n\n".join([*sections, f"{n_shown:,} of {len(rows):,} rows"]))


def _in_words(project: Project, source: str, row: Row) -> Row:
    """A row with the labels of the study, and with the words of the source for levels, where it is of one."""
    if source in project.sources:
        return classes_in_words(project, Labels.of(project, source).named(row))
    return {**row, **names_in(project.study, row)}


def _previewed(project: Project, contract: Contract) -> list[str]:
    """The key, or what stands where the key would, then estimates, counts and verdicts. How they were made is left out."""
    names = set(contract.column_types())
    units = {column.unit for column in contract.columns if f"{column.name}_lower" in names}
    kept = [column for column in contract.columns if _is_previewed(project, contract, column, units)]
    ordered = sorted(kept, key=lambda column: (column.key_position is None, column.type != "DOUBLE" and bool(contract.key)))
    return [column.name for column in ordered]


def _is_previewed(project: Project, contract: Contract, column: Column, units: Collection[str | None]) -> bool:
    if column.key_position is not None or column.name in {"p_value", "presentation"}:
        return True
    if column.name in type(project.study).model_fields or column.name.startswith("degrees_freedom"):
        return False
    if column.type == "DOUBLE":
        return not column.name.endswith(("_se", "_lower", "_upper")) and (not units or column.unit in units)
    if column.type == "BOOLEAN":
        return column.name != "is_suppressed"
    return column.type == "BIGINT" or not contract.key


def _cell(row: Row, name: str) -> str:
    value = row[name]
    if value is None:
        return NOTHING
    if isinstance(value, bool):
        return "yes" if value else "no"
    if name == "p_value":
        return p_value(value)
    if isinstance(value, int):
        return f"{value:,}"
    if not isinstance(value, float):
        return str(value)
    ends = [row.get(f"{name}_{end}") for end in ("lower", "upper")]
    words = [NOTHING if end is None else f"{end:.3f}" for end in ends]
    return f"{value:.3f}" + ("" if ends == [None, None] else f"{UNBROKEN}({words[0]}{UNBROKEN}to{UNBROKEN}{words[1]})")
