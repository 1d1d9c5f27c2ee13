"""`report.html`: the report tables of a release as one self-contained page that opens offline."""

from pathlib import Path
from typing import Any

import duckdb
from jinja2 import Environment, PackageLoader, select_autoescape

from pipelines.drift.words import in_words
from pipelines.project import Project

Row = dict[str, Any]


def write_page(project: Project, database: Path, page: Path, manifest: dict[str, Any]) -> None:
    """Render the page from the public database of the release, and from nothing else."""
    environment = Environment(loader=PackageLoader("pipelines.releases", "templates"), autoescape=select_autoescape())
    environment.filters |= {"percent": _percent, "ratio": _ratio, "count": _count, "p_value": _p_value}
    with duckdb.connect(str(database), read_only=True) as connection:
        tables = {
            "deliveries": _rows(
                connection, "select * exclude (accepted_at, rejected_at) from meta.deliveries order by source, wave"
            ),
            "prevalence": _rows(connection, "select * from report.prevalence_by_age_band"),
            "odds_ratios": _rows(connection, "select * from report.odds_ratios"),
            "drift": in_words(_rows(connection, "select * from meta.drift")),
        }
    html = environment.get_template("report.html.j2").render(
        study=project.study,
        sources=project.sources,
        manifest=manifest,
        bands=project.study.age_bands.frame()["age_band"],
        **tables,
    )
    page.write_text(html, encoding="utf-8")


def _rows(connection: duckdb.DuckDBPyConnection, query: str) -> list[Row]:
    return connection.sql(query).pl().to_dicts()


def _percent(value: float | None) -> str:
    return "–" if value is None else f"{100 * value:.1f}"


def _ratio(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"


def _count(value: int | None) -> str:
    return "–" if value is None else f"{value:,}"


def _p_value(value: float | None) -> str:
    if value is None:
        return "–"
    return "<0.001" if value < 0.001 else f"{value:.3f}"
