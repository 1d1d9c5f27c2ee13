"""The checklists of STROBE and RECORD, item by item: where a release answers it, or that it is the author's.

The items are those of von Elm et al., PLoS Med 2007;4:e296 (for cross-sectional studies) and Benchimol et al., PLoS Med
2015;12:e1001885, both under the Creative Commons Attribution licence, said here in other and fewer words.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pipelines.release.page.about import Statement
from pipelines.release.page.display import GROUP, DisplayColumn, DisplayTable
from pipelines.release.page.parts import Table
from pipelines.release.page.sections import Undrawn

Place = tuple[str, str]
"""An anchor of the page, and what stands there."""

NOWHERE = "–"

STROBE, RECORD = "STROBE, for cross-sectional studies", "RECORD, for data that were collected for another purpose"

CITED = (
    "Items of von Elm et al., PLoS Med 2007;4:e296 (STROBE) and Benchimol et al., PLoS Med 2015;12:e1001885 (RECORD), CC BY, "
    "in other words. A checklist says what is reported, not whether it is right."
)


@dataclass(frozen=True)
class Item:
    """An item of a checklist. `places` are parts of the page that answer it where they are there, `needs` those without which it
    is not answered; `authors`: what is left to the author even then."""

    number: str
    asks: str
    places: Sequence[str] = ()
    authors: str = ""
    needs: Sequence[str] = ()


ITEMS: Mapping[str, Sequence[Item]] = {
    STROBE: (
        Item("1a", "The design, in title or abstract", ("design",), "name it in the title"),
        Item("1b", "What was done and found, in the abstract", ("answer",), "the abstract"),
        Item("2", "What was known before, and why this study", ("literature",), "the background"),
        Item("3", "Objectives and hypotheses", ("question",)),
        Item("4", "The design, early on", ("design",)),
        Item("5", "Places and dates", ("setting",)),
        Item("6a", "Who could take part, and how people were chosen", ("eligibility", "target-population", "design")),
        Item("7", "Outcomes, exposures, confounders, and how each is defined", ("variables",)),
        Item("8", "Where each variable comes from and how it was measured", ("variables", "setting")),
        Item("9", "What was done about bias", ("confounding", "complete-cases")),
        Item("10", "How the number of people came about", ("flow", "response")),
        Item("11", "How numbers were handled, and why they were grouped so", ("variables",), "why these groups"),
        Item("12a", "Statistical methods, and how confounding was allowed for", ("odds-ratios-how", "confounding")),
        Item("12b", "Methods for subgroups and interactions", ("prevalence-how",), "interactions, if they were tested"),
        Item("12c", "How missing answers were handled", ("complete-cases",)),
        Item("12d", "How the sampling was allowed for", ("weights", "design")),
        Item("12e", "Sensitivity analyses", ("e-value",), "further ones"),
        Item("13a", "Numbers of people at each stage", ("flow",)),
        Item("13b", "Why people are not in it at each stage", ("flow",)),
        Item("13c", "A flow diagram", (), "a diagram of the respondent flow"),
        Item("14a", "Who the people are", ("characteristics",)),
        Item("14b", "How many answers are missing to each variable", ("characteristics",)),
        Item("15", "Numbers of outcomes, or summaries of them", ("prevalence", "characteristics")),
        Item(
            "16a",
            "Estimates before and after adjustment, with intervals",
            ("crude", "adjusted", "confounding"),
            needs=("crude", "adjusted"),
        ),
        Item("16b", "Where numbers were cut into groups", ("prevalence",)),
        Item("16c", "Relative risks also as absolute ones", (), "absolute differences, where they matter"),
        Item("17", "Other analyses", ("standardised", "sequence", "diary")),
        Item("18", "Key results, by the objectives", ("answer",)),
        Item("19", "Limitations, and which way they bend results", ("limits",)),
        Item("20", "A cautious interpretation", ("not-concluded", "literature"), "the interpretation"),
        Item("21", "For whom else it holds", ("generalisability",)),
        Item("22", "Who paid, and their part in it", ("funding",)),
    ),
    RECORD: (
        Item("1.1", "The kind of data, and the names of their sources", ("cite",), "name them in title or abstract"),
        Item("1.2", "Region and dates", ("setting", "target-population"), "name them in title or abstract"),
        Item("1.3", "That sources were linked, if they were", (), "say it in title or abstract, or that none were"),
        Item("6.1", "By which codes people were chosen", ("eligibility",), "the codes, where there are some"),
        Item("6.2", "How those codes were validated", (), "studies of validation"),
        Item("6.3", "Linkage as a diagram", (), "a diagram, where sources were linked"),
        Item("7.1", "All codes and rules that make variables", ("variables",)),
        Item("12.1", "What of the sources the authors could see", ("cite",), "how far they had access"),
        Item("12.2", "How data were cleaned", ("quality",)),
        Item("12.3", "How records were linked", (), "methods and quality of linkage"),
        Item("13.1", "How people were filtered, by quality and availability", ("flow", "quality")),
        Item("19.1", "What it means that data are from another purpose", ("limits", "comparability"), "misclassification"),
        Item("22.1", "Where protocol, data and code are", ("cite",), "the protocol"),
    ),
}


OF_THE_PAGE: Mapping[str, Place] = {
    "question": ("question", "The question"),
    "design": ("methods-design", "Methods: design"),
    "weights": ("methods-weights", "Methods: weights"),
    "prevalence-how": ("methods-prevalence", "Methods: prevalence"),
    "odds-ratios-how": ("methods-odds-ratios", "Methods: odds ratios"),
    "e-value": ("methods-e-value", "Methods: prevalence ratio and E-value"),
    "quality": ("data", "Data quality"),
    "cite": ("cite", "Sources, and how to cite"),
}
"""What every page has."""

OF_TABLES = {
    "flow": "Respondent flow",
    "characteristics": "Characteristics",
    "prevalence": "Prevalence by age",
    "standardised": "Age-standardised prevalence",
    "comparability": "Comparability of waves",
    "sequence": "Sequence ratios",
    "diary": "Diary",
    "variables": "Variables",
}
"""How the names of tables begin -> what stands there. The first table of each kind is named, of real sources first."""


def places_of(
    tables: Sequence[DisplayTable], statements: Sequence[Statement] | Undrawn, answering: bool, literature: Sequence[Table]
) -> dict[str, Place]:
    """The parts that a page has: what every page has, the first table of each kind, and what the author has written."""
    found = dict(OF_THE_PAGE)
    for beginning, words in OF_TABLES.items():
        first = next((table for table in tables if f"{table.name}-".startswith(f"{beginning}-")), None)
        if first:
            found[beginning] = f"{first.name}-name", words
    for model in ("crude", "adjusted"):
        first = next((table for table in tables if table.name.startswith("odds-ratios-") and f"-{model}-" in table.name), None)
        if first:
            found[model] = f"{first.name}-name", f"Odds ratios, {model}"
    if answering:
        found |= {"answer": ("answer", "The answer"), "not-concluded": ("not-concluded", "What may not be concluded")}
    if literature:
        found["literature"] = "others", "What others found"
    written = [] if isinstance(statements, Undrawn) else [one for one in statements if not one.not_written]
    return found | {one.anchor: (one.anchor, one.term) for one in written}


def checklist_table(places: Mapping[str, Place]) -> DisplayTable:
    """Every item, and where on the page it stands: `places` are the parts that this release has."""
    cells: list[dict[str, str]] = []
    links: dict[tuple[int, str], Sequence[Place]] = {}
    for checklist, items in ITEMS.items():
        for item in items:
            found = [places[name] for name in item.places if name in places]
            links[len(cells), "where"] = found
            is_answered = bool(found) and all(name in places for name in item.needs)
            left = item.authors or ("" if is_answered else "what is missing of it" if found else "all of it")
            cells.append(
                {
                    GROUP: checklist,
                    "name": item.number,
                    "asks": item.asks,
                    "where": "; ".join(words for _, words in found) or NOWHERE,
                    "author": left,
                }
            )
    columns = [
        DisplayColumn("name", "Item", is_text=True),
        DisplayColumn("asks", "Asks for", is_text=True),
        DisplayColumn("where", "Where it stands", is_text=True),
        DisplayColumn("author", "The author’s to write", is_text=True),
    ]
    return DisplayTable("checklist", "Checklists of STROBE and RECORD", columns, cells, [CITED], links=links)
