"""The tables of the page about events: sequence ratios, what was planted of them, and the rates of a diary."""

import calendar
from collections.abc import Mapping, Sequence
from functools import partial

from pipelines.project.drug_classes import DrugClasses
from pipelines.project.project import Project
from pipelines.project.words import spelled
from pipelines.release.figures.events import diary_figure, months_figure
from pipelines.release.formatting import NOTHING, Row, count, p_value, ratio, ratio_with_interval
from pipelines.release.page.display import GROUP, DisplayColumn, DisplayTable
from pipelines.release.page.labels import Labels
from pipelines.release.page.parts import EventsPart
from pipelines.release.page.sections import Sections

CLASSES = ("index_class", "marker_class", "active_comparator")
"""Columns that name a class of medicines."""

RATES = "rate_per_person_day"


def events_parts(
    labels: Labels, classes: DrugClasses, reports: Mapping[str, Sequence[Row]], sections: Sections
) -> list[EventsPart]:
    """What a release says of the events of one source: a part each for sequence ratios and for a diary."""
    name, parts = labels.source.source, []
    settings, diary = labels.study.sequence_symmetry, labels.study.diary
    ratios = [row for row in reports.get("sequence_ratios", ()) if settings and row["index_class"] in settings.index]
    planted = reports.get("planted_sequence_ratios", ())
    for wave in labels.waves(ratios):
        of_wave = [row for row in ratios if row["wave"] == wave]
        months = [row for row in reports.get("sequence_pairs_by_month", ()) if row["wave"] == wave]
        shown = {row["index_class"]: class_label(classes, row["index_class"]) for row in of_wave}
        title = "Which medicine came first"
        parts.append(
            EventsPart(
                title,
                [partial(months_figure, months, shown, "Months from the class to the marker", labels.about())] if months else [],
                [
                    sections.draw(title, name, partial(sequence_table, labels, classes, of_wave)),
                    sections.draw("Beside the ratios", name, partial(secondary_table, labels, classes, of_wave)),
                    *(
                        [sections.draw("Planted ratios", name, partial(planted_ratios_table, labels, classes, planted))]
                        if planted
                        else []
                    ),
                ],
            )
        )
    rates = reports.get("diary_rates", ())
    for wave in labels.waves(rates) if diary else ():
        of_wave = [row for row in rates if row["wave"] == wave]
        by_month = [row for row in of_wave if row["variable"] == "month"]
        label = diary.label if diary else ""
        parts.append(
            EventsPart(
                f"{label}: diary",
                [partial(diary_figure, by_month, f"{label}, by month", labels.about())] if by_month else [],
                [sections.draw(f"{label}: diary", name, partial(diary_table, labels, of_wave))],
            )
        )
    return parts


def class_label(classes: DrugClasses, name: str) -> str:
    """What the list of classes calls a class; its own name where the list is another one by now."""
    return classes[name].label if name in classes else spelled(name).capitalize()


def classes_in_words(project: Project, row: Row) -> Row:
    """A row with what the list of classes calls the medicines that it is about."""
    settings = project.study.sequence_symmetry
    classes = project.drug_classes[settings.drug_classes] if settings else {}
    return {**row, **{key: class_label(classes, row[key]) for key in CLASSES if row.get(key)}}


def sequence_table(labels: Labels, classes: DrugClasses, rows: Sequence[Row]) -> DisplayTable:
    """The crude ratio of each class and window, the primary result, and the ratio to an active comparator."""
    columns = [
        DisplayColumn("name", "Class of medicines", is_text=True),
        DisplayColumn("first", "Class first"),
        DisplayColumn("marker", "Marker first"),
        DisplayColumn("ratio", f"Sequence ratio ({labels.interval})"),
        DisplayColumn("p_value", "p"),
        DisplayColumn("comparator", f"Over the comparator ({labels.interval})"),
    ]
    cells: list[dict[str, str]] = []
    footnotes: list[tuple[int, str, str]] = []
    for row in _in_order(rows):
        if row["presentation_reason"]:
            footnotes.append((len(cells), "ratio", row["presentation_reason"]))
        if row["active_comparator"]:
            compared = f"compared with: {class_label(classes, row['active_comparator']).lower()}"
            footnotes.append((len(cells), "comparator", compared))
        cells.append(
            {
                GROUP: f"Within {row['window_days']} days",
                "name": f"{class_label(classes, row['index_class'])}{_role(row)}",
                "first": count(row["n_index_first"]),
                "marker": count(row["n_marker_first"]),
                "ratio": ratio_with_interval(row, "sequence_ratio"),
                "p_value": p_value(row["p_value"]),
                "comparator": ratio_with_interval(row, "comparator_ratio"),
            }
        )
    marker = class_label(classes, rows[0]["marker_class"]).lower()
    notes = [
        f"Marker: {marker}. Of people with first dispensings of both, how many had the class first over how many had the marker "
        "first. Score interval of Miettinen and Nurminen. A ratio is a signal among people who are their own controls, not the "
        "effect of a treatment."
    ]
    name = f"sequence-ratios-{labels.source.source}-{rows[0]['wave']}"
    return DisplayTable(name, f"Sequence ratios, {rows[0]['wave']}", columns, cells, notes, footnotes, labels.about())


def secondary_table(labels: Labels, classes: DrugClasses, rows: Sequence[Row]) -> DisplayTable:
    """What stands beside the crude ratio: Jeffreys's interval, null-effect and adjusted ratios, and the model of the order."""
    columns = [
        DisplayColumn("name", "Class of medicines", is_text=True),
        DisplayColumn("jeffreys", f"Jeffreys {labels.interval}"),
        DisplayColumn("null", "Null-effect ratio"),
        DisplayColumn("adjusted", f"Adjusted ratio ({labels.interval})"),
        DisplayColumn("model", f"At mean age and sex ({labels.interval})"),
        DisplayColumn("depends", "p, age and sex"),
    ]
    cells: list[dict[str, str]] = []
    footnotes: list[tuple[int, str, str]] = []
    for row in _in_order(rows):
        if row["model_reason"]:
            footnotes.append((len(cells), "model", row["model_reason"]))
        lower, upper = row["sequence_ratio_jeffreys_lower"], row["sequence_ratio_jeffreys_upper"]
        cells.append(
            {
                GROUP: f"Within {row['window_days']} days",
                "name": f"{class_label(classes, row['index_class'])}{_role(row)}",
                "jeffreys": NOTHING if lower is None else f"{ratio(lower)} to {'∞' if upper is None else ratio(upper)}",
                "null": ratio(row["null_ratio"]),
                "adjusted": ratio_with_interval(row, "adjusted_ratio"),
                "model": ratio_with_interval(row, "model_ratio"),
                "depends": p_value(row["model_p_value"]),
            }
        )
    notes = [
        "Null-effect ratio: what the trends of both medicines alone would give, from all first dispensings within "
        f"{rows[0]['null_window_days']} days of each other, whatever the window of the pairs. The adjusted ratio is the crude "
        "one over it, and secondary (Madsen, Scand J Stat 2025;52:469-479). Who had a medicine in the first "
        f"{rows[0]['run_in_days']} days of the register may have begun before, and counts for no first dispensing of it."
    ]
    name = f"sequence-secondary-{labels.source.source}-{rows[0]['wave']}"
    return DisplayTable(name, f"Beside the sequence ratios, {rows[0]['wave']}", columns, cells, notes, footnotes, labels.about())


def planted_ratios_table(labels: Labels, classes: DrugClasses, rows: Sequence[Row]) -> DisplayTable:
    """What was planted in a synthetic register beside what was found."""
    columns = [
        DisplayColumn("name", "Planted ratio", is_text=True),
        DisplayColumn("planted", "Planted"),
        DisplayColumn("estimate", f"Found ({labels.interval})"),
        DisplayColumn("is_covered", "Inside the interval"),
    ]
    cells = [
        {
            GROUP: f"Within {row['window_days']} days",
            "name": class_label(classes, row["index_class"]),
            "planted": ratio(row["planted"]),
            "estimate": ratio_with_interval(row, "estimate"),
            "is_covered": NOTHING if row["is_covered"] is None else "yes" if row["is_covered"] else "no",
        }
        for row in _in_order(rows)
    ]
    covered = [row["is_covered"] for row in rows if row["is_covered"] is not None]
    notes = [f"{sum(covered)} of {len(covered)} intervals hold the planted ratio."]
    name = f"planted-ratios-{labels.source.source}"
    return DisplayTable(name, "Planted sequence ratios, and what was found", columns, cells, notes, about=labels.about())


def diary_table(labels: Labels, rows: Sequence[Row]) -> DisplayTable:
    """Rates of a diary: all days, by month, and by trigger."""
    columns = [
        DisplayColumn("name", "Days", is_text=True),
        DisplayColumn("people", "People"),
        DisplayColumn("days", "Person-days"),
        DisplayColumn("events", "Events"),
        DisplayColumn("rate", f"A person and day ({labels.interval})"),
        DisplayColumn("severity", "Mean severity"),
    ]
    groups = {"all": "All days", "month": "By month", "trigger": "By trigger, of all days"}
    cells: list[dict[str, str]] = []
    footnotes: list[tuple[int, str, str]] = []
    for row in sorted(rows, key=lambda row: (list(groups).index(row["variable"]), row["level"])):
        if row["presentation_reason"]:
            footnotes.append((len(cells), "rate", row["presentation_reason"]))
        is_month = row["variable"] == "month"
        cells.append(
            {
                GROUP: groups[row["variable"]],
                "name": calendar.month_name[int(row["level"])] if is_month else spelled(row["level"]),
                "people": count(row["n_people"]),
                "days": count(row["n_person_days"]),
                "events": count(row["n_events"]),
                "rate": ratio_with_interval(row, RATES),
                "severity": NOTHING if row["mean_severity"] is None else f"{row['mean_severity']:.1f}",
            }
        )
    n_missing = next((row["n_missing"] for row in rows if row["variable"] == "all"), 0)
    notes = [
        f"{n_missing:,} days without an entry are left out. Intervals rest on the differences between people: the days of one "
        "person are not independent. What people noted as a trigger need not be one."
    ]
    name = f"diary-{labels.source.source}-{rows[0]['wave']}"
    return DisplayTable(name, f"Rates of the diary, {rows[0]['wave']}", columns, cells, notes, footnotes, labels.about())


def _in_order(rows: Sequence[Row]) -> list[Row]:
    """By window, in the order of the rows."""
    return sorted(rows, key=lambda row: row["window_days"])


def _role(row: Row) -> str:
    return " (negative control)" if row["role"] == "negative_control" else ""
