"""The tables of the report page, made from rows of the public report and meta tables."""

from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from pipelines.project.respondents import ALL, POOLED
from pipelines.project.sources import Source
from pipelines.project.study import Study
from pipelines.release.changes import CHANGED, by_table, furthest_first
from pipelines.release.figures.forest import contrast, in_order
from pipelines.release.formatting import (
    NOTHING,
    Row,
    cases_of_all,
    count,
    p_value,
    percent,
    percent_with_interval,
    ratio,
    ratio_with_interval,
)
from pipelines.release.page.display import GROUP, Column, DisplayTable

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
    def characteristics(self) -> list[str]:
        """In the order in which they describe people: continuous ones, then those with levels, exposures last."""
        return [*self.study.characteristics.continuous, *self.study.categorical_characteristics]

    def characteristic(self, name: str) -> str:
        """What the study calls a column that describes people."""
        named = self.study.characteristics.categorical | self.study.characteristics.continuous
        return named[name].label if name in named else self.exposures.get(name) or self.names(name).capitalize()

    def knows(self, row: Row) -> bool:
        """Whether the study still names what a row is about: a table that is held back may be older than study.yaml."""
        named: dict[str, Container[str]] = {
            "population": self.study.populations,
            "outcome": self.study.outcomes,
            "exposure": self.study.exposures,
            "characteristic": self.characteristics,
        }
        return all(row.get(key) is None or row[key] in names for key, names in named.items())

    def by_population(self, rows: Sequence[Row]) -> list[list[Row]]:
        """The rows of each population that has some, in the order of the study."""
        found = [[row for row in rows if row["population"] == name] for name in self.study.populations]
        return [of_population for of_population in found if of_population]

    def in_study_order(self, row: Row) -> tuple[int, bool, str]:
        """Sorts rows by population, then by wave with the pooled ones last."""
        return list(self.study.populations).index(row["population"]), row["wave"] == POOLED, row["wave"]

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


def flow_table(labels: Labels, rows: Sequence[Row]) -> DisplayTable:
    """Who is in the estimates and who is not, and why (STROBE item 13). Outcomes with the same numbers share their rows."""
    columns = [
        Column("name", "Population", is_text=True),
        Column("wave", "Wave", is_text=True),
        *(Column(name, label) for name, label in FLOW.items()),
    ]
    numbers: dict[tuple[str, str], dict[str, list[str]]] = {}
    for row in rows:
        cells = [count(row[name]) for name in FLOW]
        numbers.setdefault((row["population"], row["wave"]), {})[row["outcome"]] = cells
    alike: dict[str, list[str]] = {}
    for outcome in dict.fromkeys(row["outcome"] for row in rows):
        same = next((other for other in alike if all(found.get(other) == found.get(outcome) for found in numbers.values())), None)
        alike.setdefault(same or outcome, []).append(outcome)
    shown: list[dict[str, str]] = []
    footnotes = []
    for first, outcomes in alike.items():
        heading = "; ".join(labels.study.outcomes[outcome].label for outcome in outcomes)
        for row in sorted((row for row in rows if row["outcome"] == first), key=labels.in_study_order):
            if row["reason"]:
                footnotes.append((len(shown), "n_analysed", row["reason"]))
            shown.append(
                {
                    GROUP: heading,
                    "name": labels.study.populations[row["population"]].label,
                    "wave": row["wave"],
                    **{name: count(row[name]) for name in FLOW},
                }
            )
    notes = [
        "Received: records of the table with one record a person. Out of scope: not in the population, or not in the component "
        "whose weight the outcome calls for. No answer: refused, not known, not asked, or in an incomplete matched set."
    ]
    return DisplayTable(f"flow-{labels.source.source}", "Respondent flow", columns, shown, notes, footnotes)


FLOW = {
    "n_received": "Received",
    "n_set_aside": "Set aside",
    "n_out_of_scope": "Out of scope",
    "n_missing": "No answer",
    "n_analysed": "Analysed",
}
"""Column of report.respondent_flow -> its heading; received is the sum of the others."""


def characteristics_table(labels: Labels, outcome: str, rows: Sequence[Row]) -> DisplayTable:
    """The people of a population with and without an outcome: shares and means with their errors (STROBE item 14)."""
    columns = [
        Column("name", "Characteristic", is_text=True),
        Column("n_cases", "n", "With the outcome"),
        Column("cases", "% (SE) or mean (SD)", "With the outcome"),
        Column("n_noncases", "n", "Without"),
        Column("noncases", "% (SE) or mean (SD)", "Without"),
        Column("n_missing", "No answer"),
        Column("p_value", "p"),
    ]
    cells: list[dict[str, str]] = []
    footnotes: list[tuple[int, str, str]] = []
    for row in sorted(rows, key=lambda row: labels.characteristics.index(row["characteristic"])):
        is_first = not cells or cells[-1][GROUP] != labels.characteristic(row["characteristic"])
        if row["presentation_reason"]:
            footnotes.append((len(cells), "cases", row["presentation_reason"]))
        elif is_first and row["p_value_reason"]:
            footnotes.append((len(cells), "p_value", row["p_value_reason"]))
        cells.append(
            {
                GROUP: labels.characteristic(row["characteristic"]),
                "name": {"true": "yes", "false": "no"}.get(row["level"], labels.names(row["level"])),
                **{name: count(row[name]) for name in ("n_cases", "n_noncases")},
                **{group: _share_or_mean(row, group) for group in ("cases", "noncases")},
                "n_missing": count(row["n_missing"]) if is_first else "",
                "p_value": p_value(row["p_value"]) if is_first else "",
            }
        )
    population = rows[0]["population"]
    methods = "; ".join(sorted({row["method"] for row in rows if row["method"]}))
    of_whom = f"{labels.study.populations[population].label}; {rows[0]['wave']}"
    notes = [f"{of_whom}. n is unweighted. {methods[:1].upper()}{methods[1:]}."]
    title = f"{labels.study.outcomes[outcome].label}: characteristics of those with and without"
    return DisplayTable(f"characteristics-{labels.source.source}-{outcome}-{population}", title, columns, cells, notes, footnotes)


def _share_or_mean(row: Row, group: str) -> str:
    if row["kind"] == "categorical":
        share, error = row[f"share_of_{group}"], row[f"share_of_{group}_se"]
        return percent(share) if error is None else f"{percent(share)} ({percent(error)})"
    mean, deviation = row[f"mean_of_{group}"], row[f"sd_of_{group}"]
    return NOTHING if mean is None else f"{mean:,.1f} ({deviation:,.1f})"


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
    """Odds ratios of one outcome in one population, a group a model."""
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
    population = rows[0]["population"]
    notes = [
        f"{labels.study.populations[population].label}. {'; '.join(methods)}. n/N: cases of all people of the group, unweighted. "
        f"p, adjusted: for the number of exposures ({', '.join(corrections) or 'none'})."
    ]
    title = f"{labels.study.outcomes[outcome].label}: odds ratios"
    return DisplayTable(f"odds-ratios-{labels.source.source}-{outcome}-{population}", title, columns, cells, notes, footnotes)


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


def changes_tables(changes: pl.DataFrame) -> list[DisplayTable]:
    """What differs from the release before: table by table, and the numbers that moved furthest."""
    columns = [
        Column("name", "Table, source", is_text=True),
        Column("changed", "Numbers changed"),
        Column("furthest", "By at most, in standard errors"),
        Column("added", "Rows new"),
        Column("vanished", "Rows gone"),
        Column("ingredient", "What differs in its making", is_text=True),
    ]
    cells = [
        {
            "name": f"{row['table_name']}, {row['source'] or 'every source'}",
            **{name: count(row[name]) for name in ("changed", "added", "vanished")},
            "furthest": ratio(row["furthest"]),
            "ingredient": row["ingredient"] or "",
        }
        for row in by_table(changes).iter_rows(named=True)
    ]
    moved = changes.filter(change=CHANGED)
    shown = [DisplayTable("changes", "What changed", columns, cells, ["Every number is in meta.release_changes."])]
    return [*shown, _moved_table(moved)] if moved.height else shown


def _moved_table(moved: pl.DataFrame) -> DisplayTable:
    columns = [
        Column("name", "Table, row", is_text=True),
        Column("column", "Number", is_text=True),
        Column("before", "Before"),
        Column("after", "Now"),
        Column("in_se", "In standard errors"),
    ]
    cells = [
        {
            "name": f"{row['table_name']} {row['source'] or ''}: {row['row_key']}",
            "column": row["column_name"],
            "before": _any_number(row["before"]),
            "after": _any_number(row["after"]),
            "in_se": NOTHING if row["difference_in_se"] is None else f"{row['difference_in_se']:+.2f}",
        }
        for row in furthest_first(moved).head(CHANGES_SHOWN).iter_rows(named=True)
    ]
    more = moved.height - len(cells)
    notes = [f"{more:,} more numbers changed less."] if more > 0 else []
    return DisplayTable("numbers-changed", "The numbers that changed most", columns, cells, notes)


def _any_number(value: Any) -> str:
    return NOTHING if value is None else f"{value:.6g}"
