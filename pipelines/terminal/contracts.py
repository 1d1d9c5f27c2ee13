"""`cramp-atlas contract ...` and `cramp-atlas docs`: what an analyst does with contracts before the night does it."""

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from pipelines.machine.errors import WrongUsage
from pipelines.terminal.console import console, ends, explained
from pipelines.terminal.exit_codes import ExitCode

if TYPE_CHECKING:
    from pipelines.authoring.compare import Difference
    from pipelines.authoring.trial import Trial
    from pipelines.project.form import Form

contract_app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode="markdown",
    help="Contracts: check them, try a file on one, see what changed, draft one.",
)

IMPACT_STYLE = {"breaking": "red", "compatible": "yellow", "descriptive": "dim"}
STATUS_STYLE = {"passed": "green", "failed": "red", "error": "red", "not_applicable": "dim"}


@contract_app.command("lint", epilog=ends("cramp-atlas contract lint", "when anything is found"))
def contract_lint() -> None:
    """Everything that is wrong with contracts, codebooks and sources, each with file and line.

    Loads the whole project as a refresh does, and asks what the house asks beyond: every table says what one row is, has a key
    or the reason why not, and a version X.Y.Z; raw tables link their documentation and terms; measurements have a unit; what
    may single out a respondent has a classification; no TODO of a draft is left.

    Where respondents are accepted, it also says which population holds nobody of which source. That is no problem.
    """
    with explained():
        from pipelines.authoring.lint import linted
        from pipelines.machine.settings import Settings
        from pipelines.report.membership import empty_populations

        settings = Settings()
        problems, project = linted(settings)
        for problem in problems:
            _print(problem, "red")
        for line in empty_populations(project) if project else ():
            _print(line, "yellow")
        n_contracts = len(list(settings.data_contracts.glob("*/*.odcs.yaml")))
        _print(f"{n_contracts} contracts: {f'{len(problems)} problems' if problems else 'nothing to mend'}")
    raise typer.Exit(ExitCode.LOOK if problems else ExitCode.GOOD)


@contract_app.command(
    "test",
    epilog=ends(
        "cramp-atlas contract test SLQ_D.xpt --table raw.nhanes_slq --wave 2005-2006", "when the delivery would be rejected"
    ),
)
def contract_test(
    file: Annotated[Path, typer.Argument(help="A delivered file, wherever it lies.")],
    table: Annotated[
        str | None, typer.Option(help="Its table, such as raw.nhanes_slq, where the file's name does not tell.")
    ] = None,
    wave: Annotated[str | None, typer.Option(help="Its wave, such as 2005-2006, where the file's name does not tell.")] = None,
) -> None:
    """Judge a delivered file by its contract exactly as the night would, and keep nothing.

    Table and wave are told from the file's name in the files of data_contracts/sources. Shows every rule with its verdict, all
    problems of the columns at once, and how many records would be set aside; never a respondent's value. Warnings reject nothing.
    """
    with explained():
        from pipelines.authoring.trial import place_of, try_out
        from pipelines.machine.settings import Settings
        from pipelines.project.project import Project

        project = Project.read(Settings())
        trial = try_out(project, file, place_of(project, file, table, wave))
        _print_trial(file, trial)
    raise typer.Exit(ExitCode.GOOD if trial.is_accepted else ExitCode.LOOK)


@contract_app.command("diff", epilog=ends("cramp-atlas contract diff HEAD~1", "when a version is not raised enough"))
def contract_diff(
    revision: Annotated[str, typer.Argument(help="A commit, tag or branch of the project's repository.")] = "HEAD",
) -> None:
    """What changed in the contracts since a revision, what it means for people who read the tables, and the version it demands.

    A breaking change (a query may fail or mean something else: a column gone, another type or unit, another meaning of a code)
    raises the first number of the contract's version; a compatible one (a new column or code, a looser or stricter rule) the
    second; words raise the third. Before 1.0.0 it is one place to the right.
    """
    with explained():
        from pipelines.authoring.compare import compare
        from pipelines.authoring.revision import read_revision
        from pipelines.contracts.model import load_contracts
        from pipelines.machine.settings import Settings

        settings = Settings()
        after = load_contracts(settings.data_contracts)
        before = read_revision(settings, revision)
        differences = compare(before.contracts, after, before.waves)
        for difference in differences:
            _print_difference(difference, revision)
        short = [difference.table for difference in differences if not difference.is_raised_enough]
        if short:
            _print(f"raise the version of {', '.join(short)}, and say in CHANGELOG.md what an analyst will notice", "red")
        elif not differences:
            _print(f"no contract differs from {revision}")
    raise typer.Exit(ExitCode.LOOK if short else ExitCode.GOOD)


@contract_app.command(
    "init", epilog=ends("cramp-atlas contract init people.csv --source clinic --table clinic_people --wave 2024")
)
def contract_init(
    file: Annotated[Path, typer.Argument(help="A delivered file that is like those to come.")],
    source: Annotated[str, typer.Option(help="The source that delivers it: an existing one, or the name of a new one.")],
    table: Annotated[str, typer.Option(help="Name of the raw table, such as sleep_survey_people.")],
    wave: Annotated[str | None, typer.Option(help="The wave it belongs to, such as 2024; needed for a new source.")] = None,
    sheet: Annotated[str | None, typer.Option(help="The sheet, where the file is a workbook of several.")] = None,
    member: Annotated[
        str | None,
        typer.Option(help="The file inside a ZIP archive of several, or the data set inside a SAS transport file of several."),
    ] = None,
    encoding: Annotated[
        str | None,
        typer.Option(help="The encoding of its texts, such as cp1252, where the file does not name it or names another."),
    ] = None,
    separator: Annotated[str | None, typer.Option(help="What separates the fields of a text file, where it is no comma.")] = None,
    decimal: Annotated[str | None, typer.Option(help="The decimal mark of numbers in text: a point or a comma.")] = None,
    missing: Annotated[
        list[str] | None, typer.Option(help="What a cell reads where a value is missing, such as NA. May be repeated.")
    ] = None,
    only: Annotated[
        list[str] | None, typer.Option(help="A column to describe; all others are left out. May be repeated.")
    ] = None,
    leave_out: Annotated[list[str] | None, typer.Option(help="A column that is not taken in. May be repeated.")] = None,
    list_text_values: Annotated[
        bool,
        typer.Option(
            "--list-text-values", help="Also list the texts of columns with at most 20 different ones, unlabelled as they are."
        ),
    ] = False,
) -> None:
    """Draft a contract from a delivered file: columns, strict types, labels and codes; the decisions are left to you as TODO.

    Writes data_contracts/raw/TABLE.odcs.yaml, a codebook where there are codes, and the source's file where there is none.
    Columns that no contract can hold are left out, and named. Never overwrites a file. Ranges are not taken from the data,
    because they would be somebody's values. The draft loads, and the file passes it; what it should forbid is for you to say.
    """
    with explained():
        from pipelines.authoring.drafting import write_draft
        from pipelines.machine.settings import Settings

        settings = Settings()
        told = _form_told(
            sheet=sheet, member=member, encoding=encoding, separator=separator, decimal=decimal, missing=tuple(missing or ())
        )
        table = table.removeprefix("raw.")
        written = write_draft(settings, file, source, table, wave, told, list_text_values, only or (), leave_out or ())
        for path in written.paths:
            _print(f"written: {path.relative_to(settings.project)}")
        for step in written.next_steps:
            _print(f"next: {step}")


def _form_told(**told: str | tuple[str, ...] | None) -> "Form":
    from pydantic import ValidationError

    from pipelines.machine.faults import faults
    from pipelines.project.form import Form

    try:
        return Form.model_validate({name: value for name, value in told.items() if value})
    except ValidationError as error:
        raise WrongUsage(" ".join(fault.at(f"--{fault.location[0]}") for fault in faults(error, Form))) from error


DOCS_ENDS = ends("cramp-atlas docs --check", "when --check finds a page that is not up to date")


def docs(
    check: Annotated[bool, typer.Option("--check", help="Write nothing; only say which pages are not up to date.")] = False,
) -> None:
    """Write the data dictionary, docs/data_dictionary/, from the contracts.

    For after a change of contracts, codebooks or queries.
    """
    with explained():
        from pipelines.authoring.dictionary import FOLDER, outdated, write_pages
        from pipelines.stages import load_project

        project = load_project()
        folder = project.settings.project / FOLDER
        if check:
            stale = outdated(project, folder)
            if stale:
                _print(f"not up to date in {FOLDER}: {', '.join(stale)}. Run cramp-atlas docs", "red")
            raise typer.Exit(ExitCode.LOOK if stale else ExitCode.GOOD)
        changed = write_pages(project, folder)
        _print(f"{FOLDER}: {', '.join(changed) if changed else 'nothing to change'}")


def _print_trial(file: Path, trial: "Trial") -> None:
    place = trial.place
    if trial.results:
        _print(f"{file.name} as {place.name} of {place.source} {place.wave}: {trial.n_rows:,} records")
        console.print(_rules_table(trial.results))
    else:
        _print(
            f"{file.name} as {place.name} of {place.source} {place.wave}: its columns or its form are wrong, rows were not judged"
        )
    for note in trial.notes:
        _print(f"note: {note}", "yellow")
    warnings = [result for result in trial.results if result["status"] == "failed" and result["severity"] != "reject"]
    for result in warnings:
        verb = "set aside" if result["severity"] == "set_aside" else "warning"
        _print(f"{verb}: {result['description']}: {result['detail']}", "yellow")
    if trial.n_set_aside:
        _print(f"records that would be set aside: {trial.n_set_aside:,} of {trial.n_rows:,}", "yellow")
        for rule_id, n in trial.set_aside.items():
            _print(f"  {rule_id}: {n:,}", "yellow")
    for problem in trial.problems:
        _print(problem, "red")
    _print("would be accepted" if trial.is_accepted else "would be rejected", "green" if trial.is_accepted else "red")


def _rules_table(results: Iterable[Any]) -> Table:
    table = Table(box=None, pad_edge=False)
    table.add_column("status")
    table.add_column("severity")
    table.add_column("failed", justify="right")
    table.add_column("of checked", justify="right")
    table.add_column("claim")
    for result in results:
        counted = (
            [f"{result[name]:,}" for name in ("n_failed", "n_checked")] if result["n_checked"] or result["n_failed"] else ["", ""]
        )
        claim = result["description"] if result["status"] != "not_applicable" else f"{result['description']} ({result['detail']})"
        style = STATUS_STYLE[result["status"]]
        table.add_row(Text(result["status"], style), result["severity"], *counted, claim)
    return table


def _print_difference(difference: "Difference", revision: str) -> None:
    enough = difference.is_raised_enough
    least = f", at least {difference.least}" if difference.least else ""
    versions = f"{difference.before or 'not'} at {revision}, {difference.after or 'not'} here{least}"
    _print(f"{difference.table}: {versions}{'' if enough else ': NOT RAISED ENOUGH'}", "" if enough else "red")
    for change in difference.changes:
        _print(f"  {change.impact:<11} {change.text}", IMPACT_STYLE[change.impact])


def _print(text: str, style: str = "") -> None:
    console.print(text, style=style or None, soft_wrap=True)
