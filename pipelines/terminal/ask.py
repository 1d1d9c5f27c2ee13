"""`cramp-atlas ask ...`: one question about the people of the published release, answered on the terminal or into a file."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from pipelines.machine.errors import WrongUsage
from pipelines.machine.visible import visible
from pipelines.terminal.console import console, ends, explained

if TYPE_CHECKING:
    from pipelines.ask import Answer

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode="markdown",
    help="Answer one question about the people of the published release.",
)

SHARED = ("source", "wave", "reference_level", "adjusted_for", "n_missing", "degrees_freedom", "interaction_p_value")
LAST = ("weight", "method", "variance_method", "confidence_level")
"""Columns that stand beneath the table where all rows have them in common."""

WHO = ("exposed", "unexposed")

Outcome = Annotated[str, typer.Argument(help="A column of the respondents.")]
Exposure = Annotated[str, typer.Argument(help="The column whose levels are compared.")]
By = Annotated[str | None, typer.Option(help="Columns to split by, with commas between them.")]
Adjust = Annotated[str | None, typer.Option(help="Columns to adjust for, with commas between them.")]
Interaction = Annotated[str | None, typer.Option(help="A column within whose levels the ratio is estimated.")]
Reference = Annotated[str | None, typer.Option(help="The level that the others are compared with.")]
Where = Annotated[str, typer.Option(help="A condition on one person, in SQL, such as \"age_years >= 60 and sex = 'female'\".")]
Source = Annotated[str | None, typer.Option(help="The survey or cohort.")]
Wave = Annotated[str | None, typer.Option(help="One wave, or pooled; left out: pooled where there are several.")]
Weight = Annotated[str | None, typer.Option(help="Another weight than that of the least common component.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON: question, passport, rows.")]
AsCsv = Annotated[bool, typer.Option("--csv", help="Print CSV.")]
Parquet = Annotated[Path | None, typer.Option(help="Write a Parquet file.")]
AddToStudy = Annotated[bool, typer.Option("--add-to-study", help="Print the lines of study.yaml that ask it every night.")]


@app.command(epilog=ends("cramp-atlas ask prevalence takes_statin --by age_band,sex --where 'age_years >= 40' --source nhanes"))
def prevalence(
    outcome: Outcome,
    by: By = None,
    adjust: Adjust = None,
    where: Where = "true",
    source: Source = None,
    wave: Wave = None,
    weight: Weight = None,
    json: AsJson = False,
    csv: AsCsv = False,
    parquet: Parquet = None,
    add_to_study: AddToStudy = False,
) -> None:
    """How common an outcome is, for each combination of --by.

    For a group that no report table has. With --adjust it is standardised over the people asked about: what it would be at each
    level of the one column of --by, all else being as it is.
    """
    asked = {"by": by, "adjust": adjust, "where": where, "source": source, "wave": wave, "weight": weight}
    _answer("prevalence", [outcome], asked, json=json, csv=csv, parquet=parquet, add_to_study=add_to_study)


def _of_a_group(name: str, says: str) -> Callable[..., None]:
    """The command of a question about one column: they differ in what they estimate alone."""

    def command(
        outcome: Outcome,
        by: By = None,
        where: Where = "true",
        source: Source = None,
        wave: Wave = None,
        weight: Weight = None,
        json: AsJson = False,
        csv: AsCsv = False,
        parquet: Parquet = None,
        add_to_study: AddToStudy = False,
    ) -> None:
        asked = {"by": by, "where": where, "source": source, "wave": wave, "weight": weight}
        _answer(name, [outcome], asked, json=json, csv=csv, parquet=parquet, add_to_study=add_to_study)

    command.__doc__ = says
    return command


for _name, _of, _says in (
    (
        "mean",
        "age_years --by sex --where takes_statin",
        "The mean of a number, for each combination of --by.\n\nFor what describes a group: age, body mass, minutes of sitting.",
    ),
    (
        "total",
        "takes_statin --by sex",
        "How many people of the population have an outcome, or the sum of a number over them.\n\n"
        "For what a share does not say: how many people it is. The weights of pooled waves are divided by their number.",
    ),
    (
        "trend",
        "takes_statin --by sex",
        "Whether an outcome rises or falls with age: the odds ratio from one age band to the next.\n\n"
        "For a group that report.trends does not have.",
    ),
):
    app.command(_name, epilog=ends(f"cramp-atlas ask {_name} {_of} --source nhanes"))(_of_a_group(_name, _says))


def _comparison(name: str, says: str) -> Callable[..., None]:
    """The command of a comparison: they differ in what they estimate alone."""

    def command(
        outcome: Outcome,
        exposure: Exposure,
        adjust: Adjust = None,
        interaction: Interaction = None,
        reference: Reference = None,
        by: By = None,
        where: Where = "true",
        source: Source = None,
        wave: Wave = None,
        weight: Weight = None,
        json: AsJson = False,
        csv: AsCsv = False,
        parquet: Parquet = None,
        add_to_study: AddToStudy = False,
    ) -> None:
        asked = {"adjust": adjust, "interaction": interaction, "reference": reference, "by": by}
        asked |= {"where": where, "source": source, "wave": wave, "weight": weight}
        _answer(name, [outcome, exposure], asked, json=json, csv=csv, parquet=parquet, add_to_study=add_to_study)

    command.__doc__ = says
    return command


FOR = (
    "For a group, an adjustment or an interaction that report.odds_ratios does not have: with --interaction it is estimated "
    "within each level of another column, by one model."
)

for _name, _says in {
    "odds_ratio": f"The odds ratio of an outcome for each level of an exposure, crude or adjusted.\n\n{FOR}",
    "prevalence_ratio": f"The prevalence ratio of an outcome for each level of an exposure, crude or adjusted.\n\n{FOR}",
    "risk_difference": (
        "The difference of prevalences for each level of an exposure, crude or adjusted.\n\n"
        "For what an exposure means in people, and not in odds. Adjusted, it is that of ask prevalence --adjust."
    ),
}.items():
    _typed = _name.replace("_", "-")
    _example = f"cramp-atlas ask {_typed} takes_statin takes_beta_agonist --adjust age_band,sex --source nhanes"
    app.command(_typed, epilog=ends(_example))(_comparison(_name, _says))


def _answer(
    name: str,
    columns: list[str],
    asked: dict[str, str | None],
    *,
    json: bool,
    csv: bool,
    parquet: Path | None,
    add_to_study: bool,
) -> None:
    with explained():
        if sum([json, csv, parquet is not None, add_to_study]) > 1:
            raise WrongUsage("--json, --csv, --parquet and --add-to-study are one another's alternatives: keep one")
        from pipelines import ask

        given: dict[str, Any] = {option: value for option, value in asked.items() if value is not None}
        found: Answer = getattr(ask, name)(*columns, **given)
        if json:
            _write(found.as_json())
        elif csv:
            _write(found.frame.write_csv().rstrip("\n"))
        elif add_to_study:
            _write(found.study_lines())
        elif parquet is not None:
            _save(found, parquet)
            console.print(f"{parquet}: {found.frame.height:,} rows", soft_wrap=True)
        else:
            _print(found)


def _save(answer: "Answer", path: Path) -> None:
    try:
        answer.write_parquet(path)
    except OSError as error:
        raise WrongUsage(
            f"{path} cannot be written: {error.strerror or 'is its folder there, and may you write in it?'}"
        ) from error


def _write(text: str) -> None:
    """An answer for other programs, as it is."""
    sys.stdout.write(text + "\n")


def _print(answer: "Answer") -> None:
    """The rows as a table; what they share and rest on stands beneath."""
    rows, beneath = _shown(answer)
    table = Table(*rows[0], title=None)
    for column, value in zip(table.columns, rows[0].values(), strict=True):
        column.justify, column.overflow = "left" if isinstance(value, str) else "right", "fold"
    for row in rows:
        table.add_row(*map(_cell, row.values()))
    console.print(table)
    for name, value in beneath.items():
        console.print(f"{name}: {_cell(value)}", soft_wrap=True, markup=False)


def _shown(answer: "Answer") -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """The rows with their counts and intervals in words, and what stands beneath them."""
    frame = answer.frame.drop(*answer.passport, "is_suppressed")
    common = [name for name in (*SHARED, *LAST) if name in frame.columns and frame[name].n_unique() == 1]
    beneath = {name: frame[name][0] for name in common if frame[name][0] is not None} | answer.passport
    column = "odds_ratio" if answer.question.measure == "trend" else answer.question.measure
    rows = []
    for row in frame.drop("outcome", "exposure", "variable", *common, strict=False).to_dicts():
        told = row | {who: _of_all(row, who) for who in WHO if f"{who}_cases" in row}
        told[column] = row[column]
        told["interval"] = _interval(row, column)
        left = [f"{who}_{what}" for who in WHO for what in ("cases", "noncases")] + [f"{column}_lower", f"{column}_upper"]
        first = [name for name in told if name not in (*WHO, "interval")]
        at = first.index(column)
        ordered = [*first[:at], *(who for who in WHO if who in told), column, "interval", *first[at + 1 :]]
        rows.append({name: told[name] for name in ordered if name not in left})
    kept = [name for name in rows[0] if any(row[name] is not None for row in rows)]
    return [{name: row[name] for name in kept} for row in rows], beneath


def _of_all(row: dict[str, Any], who: str) -> str | None:
    cases, noncases = row[f"{who}_cases"], row[f"{who}_noncases"]
    return None if cases is None or noncases is None else f"{cases:,} of {cases + noncases:,}"


def _interval(row: dict[str, Any], column: str) -> str | None:
    lower, upper = row[f"{column}_lower"], row[f"{column}_upper"]
    return None if lower is None or upper is None else f"{lower:.5g} to {upper:.5g}"


def _cell(value: Any) -> str:
    if value is None:
        return "–"
    if isinstance(value, float):
        return f"{value:.6g}"
    return visible(str(value).lower() if isinstance(value, bool) else f"{value:,}" if isinstance(value, int) else str(value))
