"""The tables of the report page, made from rows of the public report and meta tables."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from pipelines.figures.forest import contrast, in_order
from pipelines.formatting import (
    NOTHING,
    Row,
    cases_of_all,
    count,
    p_value,
    percent_with_interval,
    ratio,
    ratio_with_interval,
)
from pipelines.page.display import GROUP, Column, DisplayTable
from pipelines.sources import Source
from pipelines.study import Study

ALL = "all"
POOLED = "pooled"
CHANGES_SHOWN = 20


@dataclass(frozen=True)
class Labels:
    """The words of the study and of one source for what the tables name by column."""

    study: Study
    source: Source

    @property
    def exposures(self) -> dict[str, str]:
        return {name: exposure.label for name, exposure in self.study.exposures.items()}

    @property
    def interval(self) -> str:
        return f"{100 * self.study.confidence_level:g} % CI"

    def names(self, columns: str | None) -> str:
        """Columns, separated by commas, in words."""
        return (columns or "").replace("_", " ")

    def waves(self, rows: Iterable[Row]) -> list[str]:
        return sorted({row["wave"] for row in rows}, key=lambda wave: (wave == POOLED, wave))


def latest(rows: Sequence[Row]) -> list[Row]:
    """The rows of the pooled waves, or of the last wave of a source that pools none."""
    waves = {row["wave"] for row in rows}
    return [row for row in rows if row["wave"] == (POOLED if POOLED in waves else max(waves))]


def best_of_waves(rows: Sequence[Row]) -> list[Row]:
    """Rows of report.odds_ratios: the pooled waves where these have an estimate, otherwise each wave. Matched studies each."""
    pooled = {row["exposure"] for row in rows if row["wave"] == POOLED and row["odds_ratio"] is not None}
    return [
        row
        for row in rows
        if row["model"] == "matched" or (row["wave"] == POOLED if row["exposure"] in pooled else row["wave"] != POOLED)
    ]


def prevalence_table(labels: Labels, outcome: str, rows: Sequence[Row], trends: Sequence[Row]) -> DisplayTable:
    """Prevalence of one outcome: age bands and populations down, waves across."""
    waves = labels.waves(rows)
    by_key = {(row["population"], row["age_band"], row["wave"]): row for row in rows}
    columns = [Column("name", "Age, years", is_text=True)]
    for wave in waves:
        columns += [
            Column(f"n {wave}", "n", wave),
            Column(f"cases {wave}", "Cases", wave),
            Column(f"share {wave}", f"% ({labels.interval})", wave),
        ]
    cells: list[dict[str, str]] = []
    footnotes: list[tuple[int, str, str]] = []
    for population, band in _populations_and_bands(labels, rows):
        label = labels.study.populations[population].label
        of_bands = band != ALL
        cell = {GROUP: f"{label}, by age" if of_bands else "All ages", "name": band if of_bands else label}
        for wave in waves:
            row = by_key.get((population, band, wave))
            if row is None:
                continue
            cell |= {
                f"n {wave}": count(row["n_respondents"]),
                f"cases {wave}": count(row["n_cases"]),
                f"share {wave}": percent_with_interval(row),
            }
            if row["presentation_reason"]:
                footnotes.append((len(cells), f"share {wave}", row["presentation_reason"]))
        cells.append(cell)
    notes = ["n: respondents who answered. n and cases are unweighted, shares are weighted."]
    notes += [
        f"Trend over age bands, {row['wave']}, {labels.study.populations[row['population']].label.lower()}: odds ratio "
        f"{ratio_with_interval(row)} a band, p {p_value(row['p_value'])}."
        for row in latest(trends)
        if row["odds_ratio"] is not None
    ]
    title = f"{labels.study.outcomes[outcome].label}: prevalence by age"
    return DisplayTable(f"prevalence-{labels.source.source}-{outcome}", title, columns, cells, notes, footnotes)


def _populations_and_bands(labels: Labels, rows: Sequence[Row]) -> list[tuple[str, str]]:
    """The age bands first, then everybody of each population, in the order of the study."""
    populations = list(labels.study.populations)
    found = dict.fromkeys((row["population"], row["age_band"]) for row in rows)
    return sorted(found, key=lambda key: (key[1] == ALL, populations.index(key[0])))


def standardised_table(labels: Labels, rows: Sequence[Row], standard: str) -> DisplayTable:
    """Age-standardised prevalence by sex and wave: what may be compared between groups of another age."""
    waves = labels.waves(rows)
    columns = [Column("name", "Sex", is_text=True)]
    columns += [Column(f"share {wave}", f"% ({labels.interval})", wave) for wave in waves]
    cells: list[dict[str, str]] = []
    footnotes: list[tuple[int, str, str]] = []
    for outcome, population, sex in dict.fromkeys((row["outcome"], row["population"], row["sex"]) for row in rows):
        label = f"{labels.study.outcomes[outcome].label}, {labels.study.populations[population].label.lower()}"
        cell = {GROUP: label, "name": "both" if sex == ALL else str(sex)}
        for row in rows:
            if (row["outcome"], row["population"], row["sex"]) == (outcome, population, sex):
                cell[f"share {row['wave']}"] = percent_with_interval(row)
                if row["presentation_reason"]:
                    footnotes.append((len(cells), f"share {row['wave']}", row["presentation_reason"]))
        cells.append(cell)
    notes = [f"Directly standardised to the age structure {standard.replace('_', ' ')}."]
    return DisplayTable(f"standardised-{labels.source.source}", "Age-standardised prevalence", columns, cells, notes, footnotes)


def odds_ratio_table(labels: Labels, outcome: str, rows: Sequence[Row]) -> DisplayTable:
    """Odds ratios of one outcome, a group a model."""
    rows = in_order(rows, labels.exposures)
    columns = [
        Column("name", "Exposure: level / reference", is_text=True),
        Column("wave", "Wave", is_text=True),
        Column("exposed", "Exposed, n/N"),
        Column("unexposed", "Unexposed, n/N"),
        Column("odds_ratio", f"OR ({labels.interval})"),
        Column("p_value", "p"),
        Column("p_value_adjusted", "p, adjusted"),
        Column("prevalence_ratio", f"Prevalence ratio ({labels.interval})"),
        Column("e_value", "E-value"),
    ]
    cells: list[dict[str, str]] = []
    footnotes: list[tuple[int, str, str]] = []
    for model in dict.fromkeys(row["model"] for row in rows):
        for row in rows:
            if row["model"] != model:
                continue
            if row["presentation_reason"]:
                footnotes.append((len(cells), "odds_ratio", row["presentation_reason"]))
            cells.append(
                {
                    GROUP: _model(labels, row),
                    "name": contrast(row, labels.exposures),
                    "wave": row["wave"],
                    "exposed": cases_of_all(row, "exposed"),
                    "unexposed": cases_of_all(row, "unexposed"),
                    "odds_ratio": ratio_with_interval(row),
                    "p_value": p_value(row["p_value"]),
                    "p_value_adjusted": p_value(row["p_value_adjusted"]),
                    "prevalence_ratio": ratio_with_interval(row, "prevalence_ratio"),
                    "e_value": ratio(row["e_value"]),
                }
            )
    methods = sorted({row["method"] for row in rows if row["method"]})
    corrections = sorted({row["multiple_testing"] for row in rows if row["multiple_testing"]})
    populations = sorted({labels.study.populations[row["population"]].label for row in rows})
    notes = [
        f"{', '.join(populations)}. {'; '.join(methods)}. n/N: cases of all people of the group, unweighted. "
        f"p, adjusted: for the number of exposures ({', '.join(corrections) or 'none'})."
    ]
    title = f"{labels.study.outcomes[outcome].label}: odds ratios"
    return DisplayTable(f"odds-ratios-{labels.source.source}-{outcome}", title, columns, cells, notes, footnotes)


def _model(labels: Labels, row: Row) -> str:
    words = {"mantel_haenszel": "Mantel-Haenszel, stratified by", "adjusted": "Adjusted for", "matched": "Matched on"}
    if row["model"] not in words:
        return "Crude"
    return f"{words[row['model']]} {labels.names(row['adjusted_for'])}"


def planted_table(labels: Labels, rows: Sequence[Row]) -> DisplayTable:
    """What was planted in a synthetic source beside what was found."""
    columns = [
        Column("name", "Planted value", is_text=True),
        Column("planted", "Planted"),
        Column("estimate", f"Found ({labels.interval})"),
        Column("is_covered", "Inside the interval"),
    ]
    cells = []
    for row in rows:
        digits = 1 if row["measure"] == "prevalence" else 2
        factor = 100 if row["measure"] == "prevalence" else 1
        found = [row[name] for name in ("estimate", "estimate_lower", "estimate_upper")]
        shown = NOTHING
        if None not in found:
            shown = "{} ({} to {})".format(*(f"{factor * value:.{digits}f}" for value in found))
        cells.append(
            {
                GROUP: f"{labels.study.outcomes[row['outcome']].label}, {row['wave']}",
                "name": _planted_name(labels, row),
                "planted": NOTHING if row["planted"] is None else f"{factor * row['planted']:.{digits}f}",
                "estimate": shown,
                "is_covered": NOTHING if row["is_covered"] is None else "yes" if row["is_covered"] else "no",
            }
        )
    covered = [row["is_covered"] for row in rows if row["is_covered"] is not None]
    notes = [
        f"{sum(covered)} of {len(covered)} intervals hold the planted value; of intervals at "
        f"{100 * labels.study.confidence_level:g} % about that share should."
    ]
    return DisplayTable(f"planted-{labels.source.source}", "Planted truth, and what was found", columns, cells, notes)


def _planted_name(labels: Labels, row: Row) -> str:
    if row["measure"] == "prevalence":
        return f"% of {labels.study.populations[row['population']].label.lower()}, age {row['age_band']}"
    exposure = labels.exposures[row["exposure"]]
    level = "" if row["exposure_level"] in {None, "true"} else f": {row['exposure_level']}"
    return f"{row['model']} odds ratio, {exposure}{level}"


def quality_table(deliveries: Sequence[Row], checks: Sequence[Row], titles: dict[str, str]) -> DisplayTable:
    """A row a delivery: its verdict, its records, and how its rules were judged."""
    columns = [
        Column("name", "Source, wave", is_text=True),
        Column("verdict", "Verdict", is_text=True),
        Column("rows", "Records accepted"),
        Column("aside", "Set aside"),
        Column("passed", "Rules passed"),
        Column("failed", "Rules not passed"),
    ]
    judged = {(row["source"], row["wave"]): row for row in checks}
    cells = []
    for row in deliveries:
        rules = judged.get((row["source"], row["wave"]), {"passed": 0, "not_passed": 0})
        verdict = "nothing delivered" if row["verdict"] == "absent" else str(row["verdict"])
        cells.append(
            {
                "name": f"{titles[row['source']]}, {row['wave']}",
                "verdict": f"{verdict}, stale" if row["is_stale"] else verdict,
                "rows": count(row["n_rows"]),
                "aside": count(row["n_rejected_rows"]),
                "passed": count(rules["passed"]),
                "failed": count(rules["not_passed"]),
            }
        )
    notes = ["Records are those of all tables of a delivery. Every rule and its result is in meta.check_results."]
    return DisplayTable("quality", "Deliveries and their contracts", columns, cells, notes)


def comparability_table(labels: Labels, rows: Sequence[Row]) -> DisplayTable:
    """Variables that do not mean quite the same in two waves."""
    columns = [
        Column("name", "Variable", is_text=True),
        Column("waves", "Waves", is_text=True),
        Column("verdict", "Verdict", is_text=True),
        Column("reason", "Why", is_text=True),
    ]
    cells = [
        {
            "name": labels.names(row["variable"]),
            "waves": f"{row['wave']}, {row['other_wave']}",
            "verdict": labels.names(row["verdict"]),
            "reason": row["reason"] or "",
        }
        for row in rows
        if row["verdict"] != "identical"
    ]
    same = sum(row["verdict"] == "identical" for row in rows)
    notes = [f"{same} other variables are asked and coded alike. What is not comparable is never pooled."]
    return DisplayTable(f"comparability-{labels.source.source}", "Comparability of waves", columns, cells, notes)


def changes_table(changes: Sequence[Row]) -> DisplayTable:
    """Numbers that differ from the release before, the furthest first."""
    columns = [
        Column("name", "Table, row", is_text=True),
        Column("column", "Number", is_text=True),
        Column("before", "Before"),
        Column("after", "Now"),
        Column("in_se", "In standard errors"),
        Column("ingredient", "What differs in its making", is_text=True),
    ]
    furthest = sorted(changes, key=lambda row: -abs(row["difference_in_se"] or 0))
    cells = [
        {
            "name": f"{row['table_name']} {row['source'] or ''}: {row['row_key']}",
            "column": row["column_name"] or f"(row {row['change']})",
            "before": _any_number(row["before"]),
            "after": _any_number(row["after"]),
            "in_se": NOTHING if row["difference_in_se"] is None else f"{row['difference_in_se']:+.2f}",
            "ingredient": row["ingredient"] or "",
        }
        for row in furthest[:CHANGES_SHOWN]
    ]
    more = len(changes) - len(cells)
    notes = [f"{more:,} more are in meta.release_changes."] if more > 0 else []
    return DisplayTable("changes", "Numbers that changed", columns, cells, notes)


def _any_number(value: Any) -> str:
    return NOTHING if value is None else f"{value:.6g}"
