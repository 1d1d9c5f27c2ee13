"""The tables of the page about the data themselves: deliveries, comparability of waves, what changed since the last release."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import polars as pl

from pipelines.project.project import Project
from pipelines.project.sources import Source
from pipelines.project.words import spelled
from pipelines.release.changes import CHANGED, by_table, furthest_first
from pipelines.release.formatting import NOTHING, Row, count, ratio
from pipelines.release.page.display import DisplayColumn, DisplayTable
from pipelines.release.page.labels import Labels, key_in_words, text_in_words
from pipelines.report.scales import scale_warnings

CHANGES_SHOWN = 20

WEIGHT = re.compile(r"_weight\b")


def quality_table(
    deliveries: Sequence[Row], checks: Sequence[Row], sources: Mapping[str, Source], reports: Mapping[str, Sequence[Row]]
) -> DisplayTable:
    """A row a delivery: its verdict, its records, and how its rules were judged; below, what rows of the reports warn of."""
    columns = [
        DisplayColumn("name", "Source, wave", is_text=True),
        DisplayColumn("verdict", "Verdict", is_text=True),
        DisplayColumn("rows", "Records accepted"),
        DisplayColumn("aside", "Set aside"),
        DisplayColumn("passed", "Rules passed"),
        DisplayColumn("failed", "Rules not passed"),
    ]
    judged = {(row["source"], row["wave"]): row for row in checks}
    cells = []
    for row in sorted(deliveries, key=lambda row: sources[row["source"]].is_synthetic):
        rules = judged.get((row["source"], row["wave"]), {"passed": 0, "not_passed": 0})
        verdict = "nothing delivered" if row["verdict"] == "absent" else str(row["verdict"])
        cells.append(
            {
                "name": f"{_title(sources[row['source']])}, {row['wave']}",
                "verdict": f"{verdict}, stale" if row["is_stale"] else verdict,
                "rows": count(row["n_rows"]),
                "aside": count(row["n_rejected_rows"]),
                "passed": count(rules["passed"]),
                "failed": count(rules["not_passed"]),
            }
        )
    notes = ["Records are those of all tables of a delivery. Every rule and its result is in meta.check_results."]
    notes += [WEIGHT.sub(" weight", line) for line in scale_warnings(row for rows in reports.values() for row in rows)]
    return DisplayTable("quality", "Deliveries and their contracts", columns, cells, notes, about=_all(sources.values()))


def _title(source: Source) -> str:
    return source.title + (" (synthetic)" if source.is_synthetic else "")


def _all(sources: Iterable[Source]) -> str:
    """The sources of a table whose rows name them."""
    return "; ".join(_title(source) for source in sources)


def comparability_table(labels: Labels, rows: Sequence[Row]) -> DisplayTable:
    """Variables that do not mean quite the same in two waves."""
    columns = [
        DisplayColumn("name", "Variable", is_text=True),
        DisplayColumn("waves", "Waves", is_text=True),
        DisplayColumn("verdict", "Verdict", is_text=True),
        DisplayColumn("reason", "Why", is_text=True),
    ]
    cells = [
        {
            "name": labels.columns.get(row["variable"], spelled(row["variable"])),
            "waves": f"{row['wave']}, {row['other_wave']}",
            "verdict": spelled(row["verdict"]),
            "reason": labels.in_words(f"{row['reason'] or ''}{_only_where(row)}"),
        }
        for row in rows
        if row["verdict"] != "identical" or row["condition"]
    ]
    same = sum(row["verdict"] == "identical" and not row["condition"] for row in rows)
    notes = [f"{same} other variables are asked and coded alike. What is not comparable is never pooled."]
    name = f"comparability-{labels.source.source}"
    return DisplayTable(name, "Comparability of waves", columns, cells, notes, about=labels.about())


def _only_where(row: Row) -> str:
    return f"; pooled only where {row['condition']}" if row["condition"] else ""


def changes_tables(changes: pl.DataFrame, project: Project) -> list[DisplayTable]:
    """What differs from the release before: table by table, and the numbers that moved furthest."""
    sources = project.sources
    columns = [
        DisplayColumn("name", "Table, source", is_text=True),
        DisplayColumn("changed", "Numbers changed"),
        DisplayColumn("furthest", "By at most, in standard errors"),
        DisplayColumn("added", "Rows new"),
        DisplayColumn("vanished", "Rows gone"),
        DisplayColumn("ingredient", "What differs in its making", is_text=True),
    ]
    cells = [
        {
            "name": f"{row['table_name']}, {_named(row['source'], sources) or 'every source'}",
            **{name: count(row[name]) for name in ("changed", "added", "vanished")},
            "furthest": ratio(row["furthest"]),
            "ingredient": text_in_words(project, row["ingredient"] or ""),
        }
        for row in by_table(changes).iter_rows(named=True)
    ]
    moved = changes.filter(change=CHANGED)
    about = _all(source for name, source in sources.items() if name in set(changes["source"]))
    notes = ["Every number is in meta.release_changes."]
    shown = [DisplayTable("changes", "What changed", columns, cells, notes, about=about)]
    return [*shown, _moved_table(moved, project, about)] if moved.height else shown


def _named(source: str | None, sources: Mapping[str, Source]) -> str:
    """The name of a source in the warehouse, and whether it is synthetic."""
    if source is None:
        return ""
    is_synthetic = source in sources and sources[source].is_synthetic
    return f"{source} (synthetic)" if is_synthetic else source


def _moved_table(moved: pl.DataFrame, project: Project, about: str) -> DisplayTable:
    columns = [
        DisplayColumn("name", "Table, row", is_text=True),
        DisplayColumn("column", "Number", is_text=True),
        DisplayColumn("before", "Before"),
        DisplayColumn("after", "Now"),
        DisplayColumn("in_se", "In standard errors"),
    ]
    cells = [
        {
            "name": f"{row['table_name']} {_named(row['source'], project.sources)}: "
            + key_in_words(project, row["source"], row["row_key"]),
            "column": spelled(row["column_name"]),
            "before": _any_number(row["before"]),
            "after": _any_number(row["after"]),
            "in_se": NOTHING if row["difference_in_se"] is None else f"{row['difference_in_se']:+.2f}",
        }
        for row in furthest_first(moved).head(CHANGES_SHOWN).iter_rows(named=True)
    ]
    more = moved.height - len(cells)
    notes = [f"{more:,} more numbers changed less."] if more > 0 else []
    return DisplayTable("numbers-changed", "The numbers that changed most", columns, cells, notes, about=about)


def _any_number(value: Any) -> str:
    return NOTHING if value is None else f"{value:.6g}"
