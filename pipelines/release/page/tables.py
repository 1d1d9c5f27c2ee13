"""The tables of the page with estimates, made from rows of the public report tables."""

import re
from collections.abc import Sequence

from pipelines.project.respondents import ALL, POOLED
from pipelines.project.words import spelled, within
from pipelines.release.figures.forest import contrast, in_order
from pipelines.release.formatting import (
    NOTHING,
    Row,
    cases_of_all,
    count,
    p_value,
    percent_with_interval,
    ratio,
    ratio_with_interval,
)
from pipelines.release.page.display import GROUP, DisplayColumn, DisplayTable
from pipelines.release.page.labels import MODELS, Labels


def prevalence_table(labels: Labels, outcome: str, rows: Sequence[Row], trends: Sequence[Row]) -> DisplayTable:
    """Prevalence of one outcome: age bands and populations down, waves across."""
    waves = labels.waves(rows)
    by_key = {(row["population"], row["age_band"], row["wave"]): row for row in rows}
    columns = [DisplayColumn("name", "Age, years", is_text=True)]
    for wave in waves:
        columns += [
            DisplayColumn(f"n {wave}", "n", wave),
            DisplayColumn(f"cases {wave}", "Cases", wave),
            DisplayColumn(f"share {wave}", f"% ({labels.interval})", wave),
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
        f"Trend over age bands, {row['wave']}, {within(labels.study.populations[row['population']].label)}: odds ratio "
        f"{ratio_with_interval(row)} a band, p {p_value(row['p_value'])}."
        for row in labels.latest(trends)
        if row["odds_ratio"] is not None
    ]
    title = f"{labels.study.outcomes[outcome].label}: prevalence by age"
    return DisplayTable(f"prevalence-{labels.source.source}-{outcome}", title, columns, cells, notes, footnotes, labels.about())


def _populations_and_bands(labels: Labels, rows: Sequence[Row]) -> list[tuple[str, str]]:
    """The age bands first, then everybody of each population, in the order of the study."""
    populations = list(labels.study.populations)
    found = dict.fromkeys((row["population"], row["age_band"]) for row in rows)
    return sorted(found, key=lambda key: (key[1] == ALL, populations.index(key[0])))


def standardised_table(labels: Labels, rows: Sequence[Row], standard: str) -> DisplayTable:
    """Age-standardised prevalence by sex and wave: what may be compared between groups of another age."""
    waves = labels.waves(rows)
    columns = [DisplayColumn("name", "Sex", is_text=True)]
    columns += [DisplayColumn(f"share {wave}", f"% ({labels.interval})", wave) for wave in waves]
    cells: list[dict[str, str]] = []
    footnotes: list[tuple[int, str, str]] = []
    of_group: dict[tuple[str, str, str], list[Row]] = {}
    for row in rows:
        of_group.setdefault((row["outcome"], row["population"], row["sex"]), []).append(row)
    for (outcome, population, sex), alike in of_group.items():
        label = f"{labels.study.outcomes[outcome].label}, {within(labels.study.populations[population].label)}"
        cell = {GROUP: label, "name": "both" if sex == ALL else str(sex)}
        for row in alike:
            cell[f"share {row['wave']}"] = percent_with_interval(row)
            if row["presentation_reason"]:
                footnotes.append((len(cells), f"share {row['wave']}", row["presentation_reason"]))
        cells.append(cell)
    notes = [f"Directly standardised to the age structure {spelled(standard)}."]
    name = f"standardised-{labels.source.source}"
    return DisplayTable(name, "Age-standardised prevalence", columns, cells, notes, footnotes, labels.about())


def families(labels: Labels, rows: Sequence[Row]) -> list[list[Row]]:
    """Rows of odds ratios of one outcome in one population by hypotheses, model and wave, the pooled waves first.

    These are the families that p-values are adjusted in: each has a table of its own.
    """
    waves = sorted(labels.waves(rows), key=lambda wave: wave != POOLED)
    models, hypotheses = (dict.fromkeys(row[name] for row in rows) for name in ("model", "hypotheses"))
    keys = [(model, wave, group) for group in hypotheses for wave in waves for model in models]
    found = [[row for row in rows if (row["model"], row["wave"], row["hypotheses"]) == key] for key in keys]
    return [of_family for of_family in found if of_family]


def odds_ratio_table(labels: Labels, outcome: str, rows: Sequence[Row]) -> DisplayTable:
    """Odds ratios of one outcome in one population, by one model in one wave, in groups by what they are adjusted for."""
    rows = in_order(rows, labels.exposures)
    columns = [
        DisplayColumn("name", "Exposure: level / reference", is_text=True),
        DisplayColumn("exposed", "Exposed, n/N"),
        DisplayColumn("unexposed", "Unexposed, n/N"),
        DisplayColumn("odds_ratio", f"OR ({labels.interval})"),
        DisplayColumn("p_value", "p"),
        DisplayColumn("p_value_adjusted", "p, adjusted"),
        DisplayColumn("prevalence_ratio", f"Prevalence ratio ({labels.interval})"),
        DisplayColumn("e_value", "E-value (of the limit)"),
    ]
    cells: list[dict[str, str]] = []
    footnotes: list[tuple[int, str, str]] = []
    for row in rows:
        if row["presentation_reason"]:
            footnotes.append((len(cells), "odds_ratio", f"{row['presentation_reason']}{_exact(row)}"))
        cells.append(
            {
                GROUP: _model(labels, row),
                "name": contrast(row, labels.exposures),
                "exposed": cases_of_all(row, "exposed"),
                "unexposed": cases_of_all(row, "unexposed"),
                "odds_ratio": ratio_with_interval(row),
                "p_value": p_value(row["p_value"]),
                "p_value_adjusted": p_value(row["p_value_adjusted"]),
                "prevalence_ratio": ratio_with_interval(row, "prevalence_ratio"),
                "e_value": _e_values(row),
            }
        )
    methods = sorted({row["method"] for row in rows if row["method"]})
    population, model, wave = rows[0]["population"], rows[0]["model"], rows[0]["wave"]
    notes = [
        f"{'; '.join(methods) or 'Nothing could be estimated'}. n/N: cases of all people of the group, unweighted. "
        f"{_family(labels, rows)} E-value: of the odds ratio, and of the limit of its interval that is nearer to 1."
    ]
    hypotheses = rows[0]["hypotheses"]
    group = f", {hypotheses}" if hypotheses else ""
    title = f"{labels.study.outcomes[outcome].label}: odds ratios{group}, {MODELS.get(model, model)}, {wave}"
    name = f"odds-ratios-{labels.source.source}-{outcome}-{population}-{model}-{wave}"
    name += f"-{'-'.join(re.findall(r'[a-z0-9]+', hypotheses.lower()))}" if hypotheses else ""
    return DisplayTable(name, title, columns, cells, notes, footnotes, labels.about(population))


def _exact(row: Row) -> str:
    """The exact interval, where it is another than the one shown."""
    lower, upper = row["odds_ratio_exact_lower"], row["odds_ratio_exact_upper"]
    if lower is None or lower == row["odds_ratio_lower"]:
        return ""
    return f"; exact interval {ratio(lower)} to {ratio(upper)}"


def _e_values(row: Row) -> str:
    return NOTHING if row["e_value"] is None else f"{ratio(row['e_value'])} ({ratio(row['e_value_limit'])})"


def _family(labels: Labels, rows: Sequence[Row]) -> str:
    """The family of the p-values of a table, with its size and its members, of which other tables may show some."""
    tested = [row for row in rows if row["p_value_family"]]
    if not tested:
        return "No p value is adjusted."
    size, here = tested[0]["p_value_family_size"], len(tested)
    _, _, members = tested[0]["p_value_family"].partition(": ")
    tests = f"{size} test{'s' if size > 1 else ''}{f', {here} of them in this table' if here < size else ''}"
    return f"p, adjusted ({tested[0]['multiple_testing']}): for one family of {tests}: {_members(labels, members)}."


def _members(labels: Labels, members: str) -> str:
    """Exposures with their levels, as a family names them, in words."""
    said = []
    for member in members.split(", "):
        exposure, _, level = member.partition(" ")
        words = within(labels.exposures.get(exposure, spelled(exposure)))
        said.append(words if level in {"", "true"} else f"{words}: {labels.level(exposure, level)}")
    return "; ".join(said)


def _model(labels: Labels, row: Row) -> str:
    words = {"mantel_haenszel": "Mantel-Haenszel, stratified by", "adjusted": "Adjusted for", "matched": "Matched on"}
    if row["model"] not in words:
        return "Crude"
    return f"{words[row['model']]} {labels.names(row['adjusted_for'])}"


def planted_table(labels: Labels, rows: Sequence[Row]) -> DisplayTable:
    """What was planted in a synthetic source beside what was found."""
    columns = [
        DisplayColumn("name", "Planted value", is_text=True),
        DisplayColumn("planted", "Planted"),
        DisplayColumn("estimate", f"Found ({labels.interval})"),
        DisplayColumn("is_covered", "Inside the interval"),
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
    name = f"planted-{labels.source.source}"
    return DisplayTable(name, "Planted truth, and what was found", columns, cells, notes, about=labels.about())


def _planted_name(labels: Labels, row: Row) -> str:
    if row["measure"] == "prevalence":
        return f"% of {within(labels.study.populations[row['population']].label)}, age {row['age_band']}"
    exposure = labels.exposures[row["exposure"]]
    level = "" if row["exposure_level"] in {None, "true"} else f": {row['exposure_level']}"
    return f"{row['model']} odds ratio, {exposure}{level}, {within(labels.study.populations[row['population']].label)}"
