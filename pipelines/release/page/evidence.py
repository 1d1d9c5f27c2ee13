"""The tables of the page about the literature: published estimates beside ours, and the claims of the article."""

from collections.abc import Mapping, Sequence
from functools import partial

from pipelines.project.project import Project
from pipelines.project.respondents import POOLED
from pipelines.release.formatting import NOTHING, Row, percent
from pipelines.release.page.display import GROUP, DisplayColumn, DisplayTable
from pipelines.release.page.labels import text_in_words

PREVALENCE = "prevalence"


def others_table(project: Project, comparison: Sequence[Row], register: Sequence[Row]) -> DisplayTable:
    """A row a published estimate of an outcome or exposure of the study, beside the estimate of a real source that is most like
    it, and what differs. Nothing synthetic stands in it."""
    columns = [
        DisplayColumn("name", "Study", is_text=True),
        DisplayColumn("design", "Design, country", is_text=True),
        DisplayColumn("published", "Published", is_text=True),
        DisplayColumn("ours", "Ours", is_text=True),
        DisplayColumn("differences", "What differs", is_text=True),
        DisplayColumn("bias", "Risk of bias", is_text=True),
        DisplayColumn("certainty", "Certainty", is_text=True),
    ]
    beside: dict[str, list[Row]] = {}
    for row in comparison:
        if not row["is_synthetic"] and row["population"] in project.study.populations:
            beside.setdefault(row["evidence_id"], []).append(row)
    shown = [row for row in register if _is_compared(row)]
    ordered = sorted(shown, key=lambda row: (_heading(project, row), row["year"] or 0, row["evidence_id"]))
    cells = [_beside(project, row, beside.get(row["evidence_id"], [])) for row in ordered]
    notes = [
        "Published numbers are those that the source prints. Risk of bias is over all domains of ROBINS-E, in words of our own: "
        "not judged where what was read does not tell, not applicable to shares and trials. Ours is the estimate of real data "
        "whose population and wave are nearest.",
        f"All {len(register)} published estimates, with sources and domains, are in report.evidence.",
    ]
    return DisplayTable(
        "evidence-others", "Published estimates beside ours", columns, cells, notes, about=_about(project, comparison)
    )


def _is_compared(row: Row) -> bool:
    return bool(row["outcome"] and (row["exposure"] or row["measure"] == PREVALENCE) and row["printed"])


def _heading(project: Project, row: Row) -> str:
    outcome = project.study.outcomes[row["outcome"]].label if row["outcome"] in project.study.outcomes else _plain(row["outcome"])
    if row["measure"] == PREVALENCE:
        return f"How common: {outcome}"
    exposure = project.study.exposures.get(row["exposure"])
    return f"{exposure.label if exposure else _plain(row['exposure'])}: {outcome}"


def _plain(name: str) -> str:
    """A name of the register that the study has no label for, as words."""
    return name.replace("_", " ").capitalize()


def _of_what(row: Row) -> str:
    """The measure of a printed number; the unit of anything else, such as two shares whose ratio follows from counts."""
    return str(row["measure"] if row["estimate"] is not None else row["unit"] or row["measure"])


def _beside(project: Project, row: Row, compared: Sequence[Row]) -> Mapping[str, str]:
    nearest = min(compared, key=partial(_distance, project, row)) if compared else None
    unit = " %" if row["measure"] == PREVALENCE and row["printed"][0].isdigit() else ""
    year = f" ({row['year']})" if row["year"] and str(row["year"]) not in row["study"] else ""
    return {
        GROUP: _heading(project, row),
        "name": f"{row['study']}{year}",
        "design": ", ".join(part for part in (row["design"], row["country"]) if part),
        "published": f"{row['printed']}{unit}" + ("" if row["measure"] == PREVALENCE else f", {_of_what(row)}"),
        "ours": _ours(project, nearest) if nearest else NOTHING,
        "differences": ((nearest["differences"] or "nothing: the same question") if nearest else "nothing of ours to compare"),
        "bias": row["rob_overall"],
        "certainty": row["certainty"],
    }


def _distance(project: Project, published: Row, row: Row) -> tuple[bool, int, int, bool, str]:
    """Numbers before none, then by how much differs, by what the people have in common in words, all waves together before single
    ones, then the names."""
    settings = project.study.evidence
    ours = (settings.populations.get(row["population"], "") if settings else "").split(", ")
    in_common = len(set(ours) & set((published["people"] or "").split(", ")))
    differences = row["differences"].count("; other ") + 1 if row["differences"] else 0
    return row["estimate"] is None, differences, -in_common, row["wave"] != POOLED, f"{row['population']} {row['wave']}"


def _ours(project: Project, row: Row) -> str:
    where = f"{project.sources[row['source']].title}, {row['wave']}, {project.study.populations[row['population']].label.lower()}"
    if row["estimate"] is None:
        return f"{NOTHING} ({text_in_words(project, row['estimate_reason'])}; {where})"
    numbers = _with_interval(row["measure"] == PREVALENCE, row["estimate"], row["estimate_lower"], row["estimate_upper"])
    return f"{numbers}, {where}" if row["measure"] == PREVALENCE else f"{numbers}, {row['measure']}, {where}"


def _with_interval(is_share: bool, estimate: float, lower: float | None, upper: float | None) -> str:
    shown = percent if is_share else _ratio
    interval = "" if lower is None or upper is None else f" ({shown(lower)} to {shown(upper)})"
    return f"{shown(estimate)}{interval}{' %' if is_share else ''}"


def _ratio(value: float) -> str:
    return f"{value:.2f}"


def claims_table(project: Project, claims: Sequence[Row]) -> DisplayTable:
    """A row a claim of the article: what it prints, what its source prints, what real data of ours say, and the verdict."""
    columns = [
        DisplayColumn("name", "Claim of the article", is_text=True),
        DisplayColumn("number", "It prints", is_text=True),
        DisplayColumn("primary", "Its source prints", is_text=True),
        DisplayColumn("ours", "Our data", is_text=True),
        DisplayColumn("verdict", "Verdict", is_text=True),
        DisplayColumn("reason", "Why", is_text=True),
    ]
    cells = [
        {
            "name": row["claim"],
            "number": row["number_in_article"],
            "primary": f"{row['primary_source_says']}. Named: {row['named_source']}",
            "ours": _ours_of_claim(project, row),
            "verdict": row["verdict"],
            "reason": row["reason"],
        }
        for row in sorted(claims, key=lambda row: (VERDICTS.get(row["verdict"], len(VERDICTS)), row["claim"]))
    ]
    notes = [
        "The verdict is on the claim as the article makes it. Our numbers are associations, which say nothing of causes and "
        "are no advice on treatment."
    ]
    return DisplayTable("evidence-claims", "Claims of the article, checked", columns, cells, notes, about=_about(project, []))


VERDICTS = {"not supported": 0, "differs": 1, "supported": 2}
"""The order in which claims are read; what cannot be tested comes last."""


def _ours_of_claim(project: Project, row: Row) -> str:
    if row["ours"] is None:
        return f"{NOTHING} ({text_in_words(project, row['ours_reason'])})"
    title = project.sources[row["ours_source"]].title if row["ours_source"] in project.sources else row["ours_source"]
    numbers = _with_interval(row["ours_exposure"] is None, row["ours"], row["ours_lower"], row["ours_upper"])
    return f"{numbers}, {row['ours_is']} ({title}, {row['ours_wave']})"


def _about(project: Project, comparison: Sequence[Row]) -> str:
    real = [source for source in project.sources.values() if not source.is_synthetic]
    reported = [source.title for source in real if any(row["source"] == source.source for row in comparison)]
    return "; ".join(["published studies", *reported])
