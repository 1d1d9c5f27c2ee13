"""A population that holds nobody of a source is named, in the terminal and by lint, without any number of people."""

import io
import re
from dataclasses import replace
from pathlib import Path

import duckdb
import polars as pl
import pytest
from typer.testing import CliRunner

from pipelines.dagster.job import Refreshed
from pipelines.machine.console import PlainConsole
from pipelines.project.project import Project
from pipelines.project.study import Population
from pipelines.report.membership import empty_populations
from pipelines.terminal.cli import app
from pipelines.terminal.summary import print_summary
from tests.atlas import Atlas, make_atlas

NOBODY = Population(label="Cases of a survey", where="source = 'synthetic_survey' and is_case is not null")
SURVEY_ONLY = Population(label="The survey alone", where="source = 'synthetic_survey'")


def studying(project: Project, **populations: Population) -> Project:
    return replace(project, study=project.study.model_copy(update={"populations": populations}))


def sources_named(project: Project) -> list[tuple[str, str]]:
    found = [re.match(r"population (\w+) \(.*\) holds nobody of source (\w+): ", line) for line in empty_populations(project)]
    return [(match[1], match[2]) for match in found if match]


def test_each_source_without_members_is_named(published_synthetic: Atlas) -> None:
    project = studying(published_synthetic.project, survey=SURVEY_ONLY, nobody=NOBODY)
    assert sorted(sources_named(project)) == [
        ("nobody", "synthetic_case_control"),
        ("nobody", "synthetic_survey"),
        ("survey", "synthetic_case_control"),
    ]


def test_the_sentence_holds_no_number_of_people(published_synthetic: Atlas) -> None:
    project = studying(published_synthetic.project, survey=SURVEY_ONLY)
    [said] = empty_populations(project)
    assert said == (
        "population survey (The survey alone) holds nobody of source synthetic_case_control: none of its respondents meets "
        "`source = 'synthetic_survey'`; its rows have no numbers and say why"
    )
    restricted = {name: source.model_copy(update={"classification": "restricted"}) for name, source in project.sources.items()}
    assert empty_populations(replace(project, sources=restricted)) == [said]


def test_without_accepted_respondents_nothing_is_said(tmp_path: Path) -> None:
    assert sources_named(studying(make_atlas(tmp_path / "project").project, nobody=NOBODY)) == []


@pytest.mark.parametrize("error", [duckdb.IOException("7"), pl.exceptions.ComputeError("7"), FileNotFoundError("7")], ids=repr)
def test_of_respondents_that_cannot_be_read_nothing_is_said(
    published_synthetic: Atlas, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    """An object may go while it is looked into: whoever makes a table of it says so."""
    project = studying(published_synthetic.project, nobody=NOBODY)

    def gone(*_: object) -> None:
        raise error

    assert ("nobody", "synthetic_survey") in sources_named(project)
    monkeypatch.setattr("pipelines.report.membership.held_cells", gone)
    assert "synthetic_survey" not in {source for _, source in sources_named(project)}


def test_a_refresh_and_lint_say_it(synthetic: Atlas, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lint still ends with 0: a population may be empty in one source."""
    synthetic.edit(
        "study.yaml",
        "where: sex = 'female' and age_years >= 20 and age_years < 45",
        "where: source = 'synthetic_survey' and sex = 'female'",
    )
    said = "population women_20_44 (Women aged 20 to 44) holds nobody of source synthetic_case_control: "
    out = io.StringIO()
    nothing_done = Refreshed(success=True, run_id="none", n_made=0, step_seconds={}, rejected=[], failures=[], broken=[])
    print_summary(synthetic.project, nothing_done, PlainConsole(file=out, width=500))
    assert out.getvalue().count(said) == 1
    monkeypatch.setenv("CRAMP_ATLAS_PROJECT", str(synthetic.folder))
    linted = CliRunner().invoke(app, ["contract", "lint"])
    assert linted.output.count(said) == 1
    assert linted.exit_code == 0
