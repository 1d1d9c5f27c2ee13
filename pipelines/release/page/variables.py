"""The variables of the study as a table: what each is, how the contract of the respondents defines it, how it is compared."""

from collections.abc import Iterator

from pipelines.project.project import Project
from pipelines.project.words import column_words, spelled
from pipelines.release.page.display import GROUP, DisplayColumn, DisplayTable
from pipelines.release.page.labels import Labels, text_in_words

NOTE = (
    "The questions that were asked, all codes and what they mean, and the queries that make a variable from them are in the same "
    "release (meta.columns, meta.codes, meta.passports)."
)


def variables_table(project: Project, labels: Labels | None) -> DisplayTable:
    """Outcomes, exposures and what is adjusted for; levels are said in the words of `labels`, where a source is there."""
    columns = [
        DisplayColumn("name", "Variable", is_text=True),
        DisplayColumn("definition", "What it is", is_text=True),
        DisplayColumn("compared", "How it is compared", is_text=True),
    ]
    cells = [
        {GROUP: role, "name": called[:1].upper() + called[1:], "definition": _definition(project, name), "compared": compared}
        for role, name, called, compared in _variables(project, labels)
    ]
    return DisplayTable("variables", "Variables and how they are defined", columns, cells, [NOTE])


def _variables(project: Project, labels: Labels | None) -> Iterator[tuple[str, str, str, str]]:
    """What a variable is in the study, its column, what it is called, and what of it is compared."""
    study = project.study
    for name, outcome in study.outcomes.items():
        yield "Outcomes", name, outcome.label, "yes against no"
    for name, exposure in study.exposures.items():
        yield (
            "Exposures",
            name,
            exposure.label,
            exposure.step if exposure.is_number else _levels(labels, name, exposure.reference),
        )
    words = column_words(project)
    for name, adjustment in study.adjustment.items():
        form = f"as a number, {adjustment.form}" if adjustment.form else "by its levels"
        yield "Adjusted for", name, words.get(name, spelled(name)), form


def _levels(labels: Labels | None, name: str, reference: bool | str | None) -> str:
    if isinstance(reference, bool):
        return "no against yes" if reference else "yes against no"
    level = str(reference)
    return f"each level against {labels.level(name, level) if labels else spelled(level)}"


def _definition(project: Project, name: str) -> str:
    """What the contract of the respondents says of a column; nothing where it is not there, as of age bands."""
    contract = project.contracts.get(project.study.respondents)
    described = next((column.description for column in contract.columns if column.name == name), "") if contract else ""
    return text_in_words(project, " ".join(described.split()))
