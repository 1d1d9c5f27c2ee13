"""The tables of the page that say who the people are: respondent flow and characteristics."""

from collections.abc import Sequence

from pipelines.project.respondents import POOLED
from pipelines.project.words import spelled
from pipelines.release.formatting import NOTHING, Row, count, p_value, percent
from pipelines.release.page.display import GROUP, DisplayColumn, DisplayTable
from pipelines.release.page.labels import YES_OR_NO, Labels


def flow_table(labels: Labels, rows: Sequence[Row]) -> DisplayTable:
    """Who is in the estimates and who is not, and why (STROBE item 13). Outcomes with the same numbers share their rows."""
    columns = [
        DisplayColumn("name", "Population", is_text=True),
        DisplayColumn("wave", "Wave", is_text=True),
        *(DisplayColumn(name, label) for name, label in FLOW.items()),
        *([DisplayColumn("weight", "Weight", is_text=True)] if any(row["weight"] for row in rows) else []),
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
                    "weight": spelled((row["weight"] or "").removesuffix("_weight")),
                }
            )
    notes = [
        "Received: records of the table with one record a person. Out of scope: not in the population, or without a weight. No "
        "answer: refused, not known, not asked, not in the component whose weight the outcome calls for, or in an incomplete "
        "matched set."
    ]
    name = f"flow-{labels.source.source}"
    return DisplayTable(name, "Respondent flow", columns, shown, notes, footnotes, labels.about())


FLOW = {
    "n_received": "Received",
    "n_set_aside": "Set aside",
    "n_out_of_scope": "Out of scope",
    "n_missing": "No answer",
    "n_analysed": "Analysed",
}
"""Column of report.respondent_flow -> its heading; received is the sum of the others."""


NUMBERS = ("n_cases", "share_of_cases", "mean_of_cases")
"""Columns of report.characteristics_by_outcome of which one is there where a row says something."""


def described(labels: Labels, rows: Sequence[Row]) -> list[Row]:
    """The rows of the pooled waves, or of the last; of a characteristic that cannot be pooled those of each wave with numbers."""
    latest = labels.latest(rows)
    told = {row["characteristic"] for row in latest if _says_something(row)}
    single = [row for row in rows if row["wave"] != POOLED and row["characteristic"] not in told and _says_something(row)]
    instead = {row["characteristic"] for row in single}
    return [*(row for row in latest if row["characteristic"] not in instead), *single]


def _says_something(row: Row) -> bool:
    return any(row[name] is not None for name in NUMBERS)


def characteristics_table(labels: Labels, outcome: str, rows: Sequence[Row]) -> DisplayTable:
    """The people of a population with and without an outcome: shares and means with their errors (STROBE item 14)."""
    columns = [
        DisplayColumn("name", "Characteristic", is_text=True),
        DisplayColumn("n_cases", "n", "With the outcome"),
        DisplayColumn("cases", "% (SE) or mean (SD)", "With the outcome"),
        DisplayColumn("n_noncases", "n", "Without"),
        DisplayColumn("noncases", "% (SE) or mean (SD)", "Without"),
        DisplayColumn("n_missing", "No answer"),
        DisplayColumn("p_value", "p"),
        *([DisplayColumn("weight", "Weight", is_text=True)] if any(row["weight"] for row in rows) else []),
    ]
    cells: list[dict[str, str]] = []
    footnotes: list[tuple[int, str, str]] = []
    wave = labels.latest(rows)[0]["wave"]
    for row in sorted(rows, key=lambda row: labels.characteristics.index(row["characteristic"])):
        named = labels.characteristic(row["characteristic"])
        group = named if row["wave"] == wave else f"{named}, {row['wave']}"
        is_first = not cells or cells[-1][GROUP] != group
        if row["presentation_reason"]:
            footnotes.append((len(cells), "cases", row["presentation_reason"]))
        elif is_first and row["p_value_reason"]:
            footnotes.append((len(cells), "p_value", row["p_value_reason"]))
        cells.append(
            {
                GROUP: group,
                "name": YES_OR_NO.get(row["level"] or "", row["level"] or ""),
                **{name: count(row[name]) for name in ("n_cases", "n_noncases")},
                **{group: _share_or_mean(row, group) for group in ("cases", "noncases")},
                "n_missing": count(row["n_missing"]) if is_first else "",
                "p_value": p_value(row["p_value"]) if is_first else "",
                "weight": spelled((row["weight"] or "").removesuffix("_weight")),
            }
        )
    population = rows[0]["population"]
    methods = "; ".join(sorted({row["method"] for row in rows if row["method"]}))
    notes = [
        f"Wave: {wave}, where no other is named. n is unweighted. No answer: of those with a known outcome, also who is not in "
        f"the component whose weight the row uses. {methods[:1].upper()}{methods[1:]}."
    ]
    title = f"{labels.study.outcomes[outcome].label}: characteristics of those with and without"
    name = f"characteristics-{labels.source.source}-{outcome}-{population}"
    return DisplayTable(name, title, columns, cells, notes, footnotes, labels.about(population))


def _share_or_mean(row: Row, group: str) -> str:
    if row["kind"] == "categorical":
        share, error = row[f"share_of_{group}"], row[f"share_of_{group}_se"]
        return percent(share) if error is None else f"{percent(share)} ({percent(error)})"
    mean, deviation = row[f"mean_of_{group}"], row[f"sd_of_{group}"]
    return NOTHING if mean is None else f"{mean:,.1f} ({deviation:,.1f})"
