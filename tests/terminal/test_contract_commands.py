"""The commands about contracts, from a project on disk to what is printed and the exit code."""

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pyreadstat
import pytest
from typer.testing import CliRunner, Result
from xlsxwriter import Workbook

from pipelines.authoring.dictionary import FOLDER
from pipelines.authoring.lint import _tells_great_ages, house_problems
from pipelines.authoring.trial import place_of, try_out
from pipelines.contracts.model import load_contract, load_contracts
from pipelines.project.project import Project
from pipelines.project.sources import load_source
from pipelines.raw.take_in import take_in
from pipelines.stages import load_project
from pipelines.store import Place
from pipelines.terminal.cli import app
from tests.atlas import Atlas, make_atlas
from tests.patience import PATIENCE_SECONDS

MARKER = "Zanzibar4711"
"""A respondent's answer that no output may show."""

HEADER = "id,sleep,age,note"
RECORDS = [f"{number},{1 + number % 2},{30 + number},{MARKER} {number}" for number in range(1, 41)]

CONTRACT = """\
apiVersion: v3.1.0
kind: DataContract
id: raw.clinic_people
name: People of the clinic
version: 1.0.0
status: active
description:
  purpose: To try a file on.
  authoritativeDefinitions:
  - {type: documentation, url: "https://example.org/codebook"}
  - {type: terms, url: "https://example.org/terms"}
schema:
- name: clinic_people
  description: One row per person.
  properties:
  - {name: id, physicalType: INTEGER, description: Number of the person, classification: identifier, primaryKey: true}
  - name: sleep
    physicalType: INTEGER
    description: Sleep
    customProperties: [{property: codebook, value: true}, {property: severity, value: set_aside}]
  - name: age
    physicalType: INTEGER
    description: Age
    logicalTypeOptions: {minimum: 16, maximum: 110}
    customProperties: [{property: unit, value: years}, {property: severity, value: warn}]
  - {name: note, physicalType: VARCHAR, description: Remark, logicalTypeOptions: {pattern: "^Zanzibar"}}
"""
CODEBOOK = (
    "variable,received,code,meaning,kind_of_missing\nsleep,1,well,Well,\nsleep,2,badly,Badly,\nsleep,9,,Don't know,dont_know\n"
)
SOURCE = """\
source: clinic
title: A clinic
design: clinic
classification: public_use
citation: The clinic.
terms_of_use: Ask the clinic.
waves:
  "2024":
    tables:
      clinic_people: {file: 2024/people.csv}
  "2025":
    tables:
      clinic_people: {file: 2025/people.csv}
"""


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Atlas:
    """This repository's project as it stands, without a warehouse. Read only."""
    return make_atlas(tmp_path_factory.mktemp("commands") / "project")


@pytest.fixture
def atlas(template: Atlas, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Atlas:
    """A copy to change, which the commands find."""
    monkeypatch.setenv("CRAMP_ATLAS_PROJECT", str(tmp_path / "project"))
    return template.copy(tmp_path / "project")


@pytest.fixture
def clinic(atlas: Atlas) -> Atlas:
    """The project with a clinic's contract, codebook and source, and no select for it yet."""
    contracts = atlas.folder / "data_contracts"
    (contracts / "raw" / "clinic_people.odcs.yaml").write_text(CONTRACT, encoding="utf-8")
    (contracts / "codebooks" / "clinic_people.csv").write_text(CODEBOOK, encoding="utf-8")
    (contracts / "sources" / "clinic.yaml").write_text(SOURCE, encoding="utf-8")
    return atlas


def run(*arguments: str | Path) -> Result:
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    assert MARKER not in result.stdout
    return result


def deliver(folder: Path, records: list[str] | None = None, header: str = HEADER) -> Path:
    path = folder / "2024" / "people.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join([header, *(RECORDS if records is None else records), ""]), encoding="utf-8")
    return path


# lint


@pytest.fixture
def house(tmp_path: Path) -> Callable[..., list[str]]:
    """What the house asks of the clinic's contract after some edits."""

    def problems(*edits: tuple[str, str], is_synthetic: bool = False) -> list[str]:
        path = tmp_path / "raw" / "clinic_people.odcs.yaml"
        path.parent.mkdir(exist_ok=True)
        text = CONTRACT
        for before, after in edits:
            assert text.count(before) == 1
            text = text.replace(before, after)
        path.write_text(text, encoding="utf-8")
        (tmp_path / "clinic_people.csv").write_text(CODEBOOK, encoding="utf-8")
        (tmp_path / "clinic.yaml").write_text(SOURCE + f"is_synthetic: {str(is_synthetic).lower()}\n", encoding="utf-8")
        return house_problems(path, load_contract(path, tmp_path), load_source(tmp_path / "clinic.yaml"))

    return problems


def test_the_contracts_of_this_repository_are_clean(atlas: Atlas) -> None:
    result = run("contract", "lint")
    assert result.stdout.strip() == f"{len(load_contracts(atlas.folder / 'data_contracts'))} contracts: nothing to mend"
    assert result.exit_code == 0


HOUSE: list[tuple[str, str, str, str, str]] = [
    ("grain", "description: One row per person.", "description: People.", "line 14", "must start with `One row per`"),
    ("key", ", primaryKey: true", "", "line 13", "has no primary key"),
    ("version", "version: 1.0.0", "version: '1.0'", "line 5", "version '1.0' must be X.Y.Z"),
    ("purpose", "purpose: To try a file on.", "usage: Ask.", "line 7", "must be given and say what the table is for"),
    ("documentation", "{type: documentation", "{type: example", "line 7", "must link to the documentation of the file"),
    ("terms", "{type: terms", "{type: example", "line 7", "must link to the terms of its use"),
    ("unit", "{property: unit, value: years}, ", "", "line 21", "age: is a measurement: give it a unit"),
    ("classification", ", classification: identifier", "", "line 16", "id: may single out a respondent"),
    ("known classification", "classification: identifier", "classification: secret", "line 16", "'secret' is unknown"),
]


@pytest.mark.parametrize(("before", "after", "line", "expected"), [case[1:] for case in HOUSE], ids=[case[0] for case in HOUSE])
def test_lint_asks_what_the_house_asks(
    house: Callable[..., list[str]], before: str, after: str, line: str, expected: str
) -> None:
    found = house((before, after))
    assert len(found) == 1
    assert f"clinic_people.odcs.yaml, {line} " in found[0]
    assert expected in found[0]


def test_a_contract_that_meets_the_house_rules_has_no_problem(house: Callable[..., list[str]]) -> None:
    assert house() == []


def test_a_reason_stands_in_for_a_key(house: Callable[..., list[str]]) -> None:
    reason = "  customProperties: [{property: noPrimaryKeyBecause, value: Nothing tells the rows apart.}]\n  properties:"
    assert house((", primaryKey: true", ""), ("  properties:", reason)) == []


def test_a_synthetic_source_needs_no_links(house: Callable[..., list[str]]) -> None:
    links = CONTRACT[CONTRACT.index("  authoritativeDefinitions") : CONTRACT.index("schema:")]
    assert len(house((links, ""))) == 2
    assert house((links, ""), is_synthetic=True) == []


@pytest.mark.parametrize(
    ("name", "description", "is_personal"),
    [
        ("patient_id", "As delivered", True),
        ("dob", "Date of birth", True),
        ("postcode", "Where they live", True),
        ("n", "Number of the participant", True),
        ("n_respondents", "Number of respondents", False),
        ("persons", "Persons in the household", False),
    ],
)
def test_lint_recognises_what_singles_out_a_respondent(
    house: Callable[..., list[str]], name: str, description: str, is_personal: bool
) -> None:
    found = house(("{name: note,", f"{{name: {name},"), ("description: Remark", f"description: {description}"))
    assert [f"{name}: may single out a respondent" in problem for problem in found] == [True] * is_personal


def test_lint_lists_the_problems_of_all_files_together(clinic: Atlas) -> None:
    """What stops one file from loading hides nothing that is wrong with the others."""
    clinic.edit("data_contracts/raw/clinic_people.odcs.yaml", "One row per person.", "People.")
    clinic.edit(
        "data_contracts/raw/nhanes_bmx.odcs.yaml",
        "logicalType: integer\n        physicalType: INTEGER\n        description: Respondent",
        "physicalType: WHOLE\n        description: Respondent",
    )
    clinic.edit("data_contracts/sources/clinic.yaml", "design: clinic", "design: hospital")
    clinic.edit("data_contracts/sources/nhanes.yaml", "citation: >-", "sitation: >-")
    output = run("contract", "lint").stdout
    assert "data_contracts/sources/clinic.yaml, line 3 (design): hospital is not known; known: survey, cohort, clinic" in output
    assert "data_contracts/sources/nhanes.yaml, line 9 (sitation): sitation is no key here; did you mean citation?" in output
    assert "physicalType 'WHOLE' is not one of" in output
    assert "the description must start with `One row per`" in output


@pytest.mark.parametrize(
    ("classification", "code", "said"),
    [
        ("restricted", "", "there is no top code of age_years: ages over 89 of a restricted source single people out."),
        ("restricted", "    top_codes: {age_years: 91}\n", "91 is the top code of age_years"),
        ("restricted", "    top_codes: {age_years: 90}\n", None),
        ("public_use", "", None),
    ],
)
def test_lint_asks_for_a_top_code_of_age_where_a_source_is_restricted(
    clinic: Atlas, classification: str, code: str, said: str | None
) -> None:
    path = clinic.folder / "data_contracts" / "sources" / "clinic.yaml"
    text = SOURCE.replace("public_use", classification)
    path.write_text(text.replace("    tables:", f"{code}    tables:", 1), encoding="utf-8")
    found = [line for line in run("contract", "lint").stdout.splitlines() if "top code" in line]
    assert [(said or "") in line and "sources/clinic.yaml, line" in line for line in found] == ([True] if said else [])


@pytest.mark.parametrize(("maximum", "is_told"), [(89, False), (90, True), (110, True)])
def test_lint_asks_for_no_top_code_where_nobody_of_the_source_can_be_old(atlas: Atlas, maximum: int, is_told: bool) -> None:
    """The contract of the delivered column, that is passed on as the age, ends it."""
    atlas.edit("data_contracts/raw/synthetic_survey_respondents.odcs.yaml", "maximum: 110", f"maximum: {maximum}")
    project = load_project(atlas.settings)
    restricted = project.sources["synthetic_survey"].model_copy(update={"classification": "restricted"})
    for delivered in restricted.waves.values():
        delivered.top_codes.clear()
    told = list(_tells_great_ages(atlas.folder / "data_contracts" / "sources" / "synthetic_survey.yaml", restricted, project))
    assert ["there is no top code of age_years" in line for line in told] == [True] * is_told


def test_lint_says_what_does_not_fit_together(clinic: Atlas) -> None:
    result = run("contract", "lint")
    assert result.stdout.splitlines()[0] == (
        "core.respondents has no select for source clinic: add sql/core/respondents/clinic.sql"
    )
    assert result.exit_code == 1


# test


def test_a_good_file_would_be_accepted_and_nothing_is_kept(clinic: Atlas) -> None:
    result = run("contract", "test", deliver(clinic.folder / "elsewhere" / "clinic"))
    assert result.stdout.startswith("people.csv as raw.clinic_people of clinic 2024: 40 records\n")
    assert [line.split()[:4] for line in result.stdout.splitlines() if line.startswith("passed")] == [
        ["passed", "reject", "0", "40"],
        ["passed", "reject", "0", "40"],
        ["passed", "set_aside", "0", "40"],
        ["passed", "warn", "0", "40"],
        ["passed", "reject", "0", "40"],
    ]
    assert result.stdout.endswith("would be accepted\n")
    assert result.exit_code == 0
    assert not clinic.warehouse.exists()


def test_records_that_would_be_set_aside_and_warnings_are_counted_and_not_shown(clinic: Atlas) -> None:
    records = [*RECORDS, f"41,{4711},44,{MARKER}", f"42,1,15,{MARKER}"]
    result = run("contract", "test", deliver(clinic.folder / "clinic", records))
    assert "records that would be set aside: 1 of 42\n  sleep.codebook: 1\n" in result.stdout
    assert "warning: age is at least 16 and at most 110: 1 of 42 values\n" in result.stdout
    assert "would be accepted" in result.stdout
    assert result.exit_code == 0


def test_a_column_called_reading_is_judged_by_its_rules_all_the_same(clinic: Atlas) -> None:
    """Notes of the reader are called `reading.1` and so on; they are no rules and no rule may be called so."""
    contract = "data_contracts/raw/clinic_people.odcs.yaml"
    clinic.edit(contract, "  - name: age\n", "  - name: reading\n")
    path = deliver(clinic.folder / "clinic", [*RECORDS, f"42,1,15,{MARKER}"], HEADER.replace("age", "reading"))
    assert "warning: reading is at least 16 and at most 110: 1 of 41 values\n" in run("contract", "test", path).stdout
    clinic.edit(contract, "description: Remark", "description: Remark, quality: [{id: reading.1, metric: nullValues, mustBe: 0}]")
    assert "reading.1 is what a note of the reader is called" in run("contract", "test", path).stdout


BROKEN: list[tuple[str, list[str], str]] = [
    ("columns", RECORDS, "id,sleep,years,remark"),
    ("types", [*RECORDS, f"x,1.5,{MARKER},"], HEADER),
    ("rows", [*RECORDS, f"1,1,44,{MARKER}", "43,1,44,else"], HEADER),
    ("too many set aside", [*RECORDS, *(f"{number},8,44,{MARKER}" for number in (50, 51, 52))], HEADER),
    ("fields", [*RECORDS, "44,1"], HEADER),
    ("no record", [], HEADER),
]


@pytest.mark.parametrize(("records", "header"), [case[1:] for case in BROKEN], ids=[case[0] for case in BROKEN])
def test_a_file_is_judged_as_the_night_judges_it(clinic: Atlas, records: list[str], header: str) -> None:
    """The same problems in the same words as taking the delivery in, which is where they are proved."""
    path = deliver(clinic.settings.landing_folder / "clinic", records, header)
    project = Project.read(clinic.settings)
    trial = try_out(project, path, Place("raw", "clinic_people", "clinic", "2024"))
    assert not clinic.sidecars()
    assert list(trial.problems) == take_in(project, "clinic", "2024").problems
    assert trial.is_accepted is (not trial.problems)


def test_all_problems_of_the_columns_are_printed_at_once(clinic: Atlas) -> None:
    result = run("contract", "test", deliver(clinic.folder / "clinic", [f"x,1.5,{MARKER},"], "id,sleep,age,remark"))
    problems = [line for line in result.stdout.splitlines() if line.startswith("raw.clinic_people 2024: ")]
    assert len(problems) == 5
    for expected in ("column note: expected", "column remark: delivered", "column id: expected", "column sleep:", "column age:"):
        assert sum(expected in problem for problem in problems) == 1
    assert result.exit_code == 1


def test_claims_are_judged_and_those_about_tables_that_are_not_there_are_named(clinic: Atlas) -> None:
    checks = clinic.folder / "sql" / "checks"
    (checks / "clinic_people__nobody_is_44.sql").write_text("select id from raw.clinic_people where age = 44", encoding="utf-8")
    (checks / "clinic_people__is_in_demo.sql").write_text(
        "select id from raw.clinic_people where id not in (select SEQN from raw.nhanes_demo)", encoding="utf-8"
    )
    result = run("contract", "test", deliver(clinic.folder / "clinic"))
    assert "raw.clinic_people 2024: nobody is 44 (1 rows against it)" in result.stdout
    assert "nothing is accepted of" in result.stdout
    assert result.exit_code == 1


def test_a_claim_about_a_table_beside_it_is_judged_with_what_is_accepted_of_that(clinic: Atlas) -> None:
    """The visits are accepted; people who lack a visitor break the claim of the visits."""
    contracts = clinic.folder / "data_contracts"
    visits = CONTRACT.replace("clinic_people", "clinic_visits")
    (contracts / "raw" / "clinic_visits.odcs.yaml").write_text(visits, encoding="utf-8")
    (contracts / "codebooks" / "clinic_visits.csv").write_text(CODEBOOK, encoding="utf-8")
    people = "      clinic_people: {file: 2024/people.csv}\n"
    clinic.edit("data_contracts/sources/clinic.yaml", people, people + people.replace("people", "visits"))
    (clinic.folder / "sql" / "checks" / "clinic_visits__visitors_are_people.sql").write_text(
        "select id from raw.clinic_visits where id not in (select id from raw.clinic_people)", encoding="utf-8"
    )
    path = deliver(clinic.settings.landing_folder / "clinic")
    shutil.copy(path, path.with_name("visits.csv"))
    assert "visitors are people (not judged: nothing is accepted of" in " ".join(run("contract", "test", path).stdout.split())
    assert take_in(Project.read(clinic.settings), "clinic", "2024").problems == []
    assert "would be accepted" in run("contract", "test", path).stdout
    before = clinic.sidecars()
    result = run("contract", "test", deliver(clinic.folder / "clinic", RECORDS[:-2]))
    assert "raw.clinic_visits 2024: visitors are people (2 rows against it)" in result.stdout
    assert result.exit_code == 1
    assert clinic.sidecars() == before


UNTOLD: list[tuple[str, list[str], str]] = [
    ("other.csv", [], "no source has a file named other.csv"),
    ("other.csv", ["--table", "raw.clinic_people"], "--wave (one of 2024, 2025)"),
    ("other.csv", ["--wave", "2024"], "--table (one of raw.clinic_people, raw.synthetic_survey_planted, raw.synthetic_survey_"),
    ("people.csv", [], "Give one of: --table raw.clinic_people --wave 2024; --table raw.clinic_people --wave 2025"),
    ("people.csv", ["--table", "raw.clinic"], "there is no contract of raw.clinic; there are: raw.clinic_people,"),
    ("people.csv", ["--table", "clinic_people", "--wave", "1999"], "raw.clinic_people has no wave 1999; there are: 2024, 2025"),
    ("people.csv", ["--wave", "1999"], "no source has a wave 1999"),
    ("people.csv", ["--table", "clinic_people", "--wave", "2025"], "there is no file"),
]


@pytest.mark.parametrize(("name", "options", "expected"), UNTOLD)
def test_a_file_whose_table_cannot_be_told_is_asked_for(clinic: Atlas, name: str, options: list[str], expected: str) -> None:
    result = run("contract", "test", name, *options)
    assert expected in result.stdout
    assert result.exit_code == 2


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("somewhere/SLQ_D.XPT", "raw.nhanes_slq nhanes 2005-2006"),
        ("2025/People.csv", "raw.clinic_people clinic 2025"),
        (
            "synthetic_case_control/5000-pairs/participants.csv",
            "raw.synthetic_case_control_participants synthetic_case_control 5000-pairs",
        ),
    ],
)
def test_table_and_wave_are_told_from_the_longest_common_end_of_the_path(clinic: Atlas, path: str, expected: str) -> None:
    assert str(place_of(Project.read(clinic.settings), Path(path), None, None)) == expected


def test_a_table_that_no_source_names_says_where_to_name_it(clinic: Atlas) -> None:
    clinic.edit(
        "data_contracts/sources/clinic.yaml", '  "2025":\n    tables:\n      clinic_people: {file: 2025/people.csv}\n', ""
    )
    clinic.edit("data_contracts/sources/clinic.yaml", "clinic_people: {file", "nhanes_bmx: {file")
    result = run("contract", "test", "people.csv", "--table", "clinic_people")
    assert "no source delivers raw.clinic_people: name it in a file of data_contracts/sources" in result.stdout
    assert result.exit_code == 2


# diff


@pytest.fixture
def repository(clinic: Atlas) -> Callable[..., str]:
    """The project in a folder of a git repository, committed once; runs git there."""

    def git(*arguments: str) -> str:
        identity = ("-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false")
        return subprocess.run(
            ["git", "-C", str(clinic.folder.parent), *identity, *arguments],
            check=True,
            capture_output=True,
            text=True,
            timeout=PATIENCE_SECONDS,
        ).stdout

    git("init", "--quiet")
    git("add", "project/data_contracts")
    git("commit", "--quiet", "--message", "first")
    git("tag", "first")
    return git


def test_nothing_differs_from_what_was_committed(repository: Callable[..., str]) -> None:
    result = run("contract", "diff")
    assert result.stdout == "no contract differs from HEAD\n"
    assert result.exit_code == 0


def test_a_breaking_change_demands_a_major_version(clinic: Atlas, repository: Callable[..., str]) -> None:
    contract = "data_contracts/raw/clinic_people.odcs.yaml"
    clinic.edit(contract, "value: years", "value: months")
    clinic.edit("data_contracts/codebooks/clinic_people.csv", "sleep,9", "sleep,3,so_so,So so,\nsleep,9")
    result = run("contract", "diff")
    assert result.stdout.splitlines()[:3] == [
        "raw.clinic_people: 1.0.0 at HEAD, 1.0.0 here, at least 2.0.0: NOT RAISED ENOUGH",
        "  breaking    column age: unit years -> months",
        "  compatible  code 3 of sleep (So so): added; a query that tells all codes apart must know it",
    ]
    assert result.exit_code == 1
    clinic.edit(contract, "version: 1.0.0", "version: 1.9.0")
    assert run("contract", "diff").exit_code == 1
    clinic.edit(contract, "version: 1.9.0", "version: 2.0.0")
    assert run("contract", "diff").exit_code == 0


def test_an_earlier_revision_can_be_compared_with(clinic: Atlas, repository: Callable[..., str]) -> None:
    clinic.edit("data_contracts/raw/clinic_people.odcs.yaml", "description: Sleep", "description: How they sleep")
    repository("commit", "--quiet", "--all", "--message", "second")
    assert run("contract", "diff").stdout == "no contract differs from HEAD\n"
    result = run("contract", "diff", "first")
    assert "raw.clinic_people: 1.0.0 at first, 1.0.0 here, at least 1.0.1: NOT RAISED ENOUGH" in result.stdout


def test_the_waves_of_a_source_decide_whether_a_column_was_lost(clinic: Atlas, repository: Callable[..., str]) -> None:
    clinic.edit(
        "data_contracts/raw/clinic_people.odcs.yaml",
        "[{property: unit, value: years}",
        '[{property: waves, value: ["2024", "2025"]}, {property: unit, value: years}',
    )
    assert "  compatible  column age: waves every wave -> 2024, 2025\n" in run("contract", "diff").stdout


def test_new_and_removed_tables_are_listed(clinic: Atlas, repository: Callable[..., str]) -> None:
    contract = clinic.folder / "data_contracts" / "raw" / "clinic_people.odcs.yaml"
    contract.unlink()
    (clinic.folder / "data_contracts" / "codebooks" / "clinic_people.csv").unlink()
    shutil.copy(
        clinic.folder / "data_contracts" / "meta" / "releases.odcs.yaml",
        clinic.folder / "data_contracts" / "meta" / "more.odcs.yaml",
    )
    clinic.edit("data_contracts/meta/more.odcs.yaml", "id: meta.releases", "id: meta.more")
    clinic.edit("data_contracts/meta/more.odcs.yaml", "- name: releases", "- name: more")
    result = run("contract", "diff")
    assert "meta.more: not at HEAD, 1.0.0 here\n  compatible  new table\n" in result.stdout
    assert "raw.clinic_people: 1.0.0 at HEAD, not here\n  breaking    table removed\n" in result.stdout
    assert result.exit_code == 0


@pytest.mark.parametrize("revision", ["no-such-branch", "--all", "HEAD~5"])
def test_an_unknown_revision_is_named(repository: Callable[..., str], revision: str) -> None:
    result = run("contract", "diff", "--", revision)
    assert f"{revision} is no revision" in result.stdout
    assert result.exit_code == 2


def test_a_project_without_a_repository_says_so(clinic: Atlas, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(clinic.folder.parent))
    result = run("contract", "diff")
    assert "is in no git repository" in result.stdout
    assert result.exit_code == 3


def test_a_revision_without_contracts_says_so(clinic: Atlas, repository: Callable[..., str]) -> None:
    repository("rm", "--quiet", "-r", "--cached", "project/data_contracts")
    repository("commit", "--quiet", "--allow-empty", "--message", "gone")
    assert "there is no data_contracts at HEAD" in run("contract", "diff").stdout


def test_contracts_of_a_revision_that_do_not_load_are_named_by_the_revision(
    clinic: Atlas, repository: Callable[..., str]
) -> None:
    clinic.edit("data_contracts/raw/clinic_people.odcs.yaml", "physicalType: VARCHAR", "physicalType: TEXT")
    repository("commit", "--quiet", "--all", "--message", "broken")
    clinic.edit("data_contracts/raw/clinic_people.odcs.yaml", "physicalType: TEXT", "physicalType: VARCHAR")
    result = run("contract", "diff")
    assert "the contracts at HEAD cannot be read:" in result.stdout
    assert "HEAD:data_contracts/raw/clinic_people.odcs.yaml, line 26" in result.stdout


# init


def test_a_draft_of_a_new_source_loads_and_its_file_passes(atlas: Atlas, tmp_path: Path) -> None:
    path = deliver(tmp_path / "received")
    result = run("contract", "init", path, "--source", "clinic", "--table", "raw.clinic_people", "--wave", "2024")
    written = ["raw/clinic_people.odcs.yaml", "codebooks/clinic_people.csv", "sources/clinic.yaml"]
    assert [line for line in result.stdout.splitlines() if line.startswith("written")] == [
        f"written: data_contracts/{name}" for name in written
    ]
    assert result.exit_code == 0
    for name in written:
        assert MARKER not in (atlas.folder / "data_contracts" / name).read_text(encoding="utf-8")
    result = run("contract", "test", path)
    assert "would be accepted" in result.stdout
    assert result.exit_code == 0


def test_lint_lists_what_a_draft_leaves_to_decide(atlas: Atlas, tmp_path: Path) -> None:
    run("contract", "init", deliver(tmp_path), "--source", "clinic", "--table", "clinic_people", "--wave", "2024")
    lines = run("contract", "lint").stdout.splitlines()
    for name in ("raw/clinic_people.odcs.yaml", "codebooks/clinic_people.csv", "sources/clinic.yaml"):
        left = [
            line for line in lines if line.startswith(f"data_contracts/{name}, line ") and "a TODO of the draft is left" in line
        ]
        assert len(left) == 1


def test_a_table_of_an_existing_source_is_not_written_into_its_file(clinic: Atlas, tmp_path: Path) -> None:
    before = (clinic.folder / "data_contracts" / "sources" / "clinic.yaml").read_text(encoding="utf-8")
    result = run("contract", "init", deliver(tmp_path), "--source", "clinic", "--table", "clinic_visits", "--wave", "2024")
    assert (clinic.folder / "data_contracts" / "sources" / "clinic.yaml").read_text(encoding="utf-8") == before
    assert "name the table in data_contracts/sources/clinic.yaml, under waves: 2024: tables:" in result.stdout
    line = 'clinic_visits: {file: "2024/people.csv"}'
    assert line in result.stdout
    clinic.edit("data_contracts/sources/clinic.yaml", "clinic_people: {file: 2024/people.csv}", line)
    assert str(place_of(Project.read(clinic.settings), Path("x.csv"), "clinic_visits", None)) == "raw.clinic_visits clinic 2024"


def test_a_file_in_landing_is_named_by_where_it_lies(atlas: Atlas) -> None:
    path = deliver(atlas.settings.landing_folder / "clinic" / "first")
    run("contract", "init", path, "--source", "clinic", "--table", "clinic_people", "--wave", "2024")
    source = Project.read(atlas.settings).sources["clinic"]
    assert source.waves["2024"].tables["clinic_people"].file == "first/2024/people.csv"


@pytest.mark.parametrize("name", ["raw/clinic_people.odcs.yaml", "codebooks/clinic_people.csv"])
def test_a_file_that_is_there_is_never_overwritten(atlas: Atlas, tmp_path: Path, name: str) -> None:
    existing = atlas.folder / "data_contracts" / name
    existing.write_text("mine", encoding="utf-8")
    result = run("contract", "init", deliver(tmp_path), "--source", "clinic", "--table", "clinic_people", "--wave", "2024")
    assert "is there already and is not overwritten" in result.stdout
    assert result.exit_code == 2
    assert existing.read_text(encoding="utf-8") == "mine"
    assert not (atlas.folder / "data_contracts" / "sources" / "clinic.yaml").exists()


REFUSED: list[tuple[str, list[str], str]] = [
    ("table name", ["--source", "clinic", "--table", "Clinic People", "--wave", "2024"], "cannot name a table"),
    ("source name", ["--source", "../clinic", "--table", "people", "--wave", "2024"], "cannot name a source"),
    ("wave name", ["--source", "clinic", "--table", "people", "--wave", "20 24"], "cannot name a wave"),
    ("no wave", ["--source", "clinic", "--table", "people"], "give --wave: the wave of clinic that the file belongs to, such as"),
    ("several waves", ["--source", "nhanes", "--table", "people"], "one of 2005-2006, 2007-2008, all, or a new one"),
]


@pytest.mark.parametrize(("options", "expected"), [case[1:] for case in REFUSED], ids=[case[0] for case in REFUSED])
def test_what_cannot_be_drafted_is_refused_and_writes_nothing(
    atlas: Atlas, tmp_path: Path, options: list[str], expected: str
) -> None:
    before = {path: path.stat().st_mtime_ns for path in (atlas.folder / "data_contracts").rglob("*")}
    result = run("contract", "init", deliver(tmp_path / "received"), *options)
    assert expected in result.stdout
    assert result.exit_code == 2
    assert {path: path.stat().st_mtime_ns for path in (atlas.folder / "data_contracts").rglob("*")} == before


def test_a_file_without_names_of_columns_is_refused_without_showing_it(atlas: Atlas, tmp_path: Path) -> None:
    path = deliver(tmp_path, RECORDS, header=RECORDS[0])
    result = run("contract", "init", path, "--source", "clinic", "--table", "people", "--wave", "2024")
    assert "put the names of the columns into the first line" in result.stdout
    assert result.exit_code == 3


def test_the_labels_of_an_spss_file_become_descriptions_and_a_codebook(atlas: Atlas, tmp_path: Path) -> None:
    path = tmp_path / "people.sav"
    pyreadstat.write_sav(
        pl.DataFrame({"id": [1.0, 2.0, 3.0], "sleep": [1.0, 2.0, 9.0], "note": [MARKER, "b", "c"]}).to_pandas(),
        str(path),
        column_labels={"sleep": "How did you sleep?"},
        variable_value_labels={"sleep": {1: "Well", 2: "Badly", 9: "Don't know"}},
    )
    run("contract", "init", path, "--source", "clinic", "--table", "clinic_people", "--wave", "2024")
    contract = Project.read(atlas.settings).contracts["raw.clinic_people"]
    assert [(column.name, column.type, column.question) for column in contract.columns] == [
        ("id", "INTEGER", None),
        ("sleep", "INTEGER", "How did you sleep?"),
        ("note", "VARCHAR", None),
    ]
    assert contract.codebook is not None
    assert [(code.received, code.code, code.meaning, code.kind_of_missing) for code in contract.codebook.codes] == [
        ("1", "1", "Well", None),
        ("2", "2", "Badly", None),
        ("9", None, "Don't know", "dont_know"),
    ]
    assert run("contract", "test", path).exit_code == 0


def test_the_form_of_a_file_is_drafted_into_the_source(atlas: Atlas, tmp_path: Path) -> None:
    path = tmp_path / "people.csv"
    path.write_text("id;height\n1;170,5\n2;160,25\n3;181,0\n", encoding="utf-8")
    run("contract", "init", path, "--source", "clinic", "--table", "clinic_people", "--wave", "2024")
    project = Project.read(atlas.settings)
    form = project.sources["clinic"].waves["2024"].tables["clinic_people"].form
    assert (form.separator, form.decimal) == (";", ",")
    assert project.contracts["raw.clinic_people"].column("height").type == "DOUBLE"
    assert run("contract", "test", path).exit_code == 0


def test_a_workbook_of_several_sheets_is_drafted_from_the_one_that_is_named(atlas: Atlas, tmp_path: Path) -> None:
    path = tmp_path / "people.xlsx"
    with Workbook(path) as workbook:
        pl.DataFrame({"remark": ["a"]}).write_excel(workbook, worksheet="about")
        pl.DataFrame({"id": [1, 2]}).write_excel(workbook, worksheet="people")
    options = ["--source", "clinic", "--table", "clinic_people", "--wave", "2024"]
    assert run("contract", "init", path, *options).exit_code == 3
    assert run("contract", "init", path, *options, "--sheet", "people").exit_code == 0
    project = Project.read(atlas.settings)
    assert list(project.contracts["raw.clinic_people"].column_types()) == ["id"]
    assert project.sources["clinic"].waves["2024"].tables["clinic_people"].form.sheet == "people"
    assert run("contract", "test", path).exit_code == 0


def test_a_member_outside_its_archive_is_refused(atlas: Atlas, tmp_path: Path) -> None:
    options = ["--source", "clinic", "--table", "clinic_people", "--wave", "2024", "--member", "../people.csv"]
    result = run("contract", "init", deliver(tmp_path), *options)
    assert "--member: " in result.stdout
    assert result.exit_code == 2


# docs


def test_the_dictionary_is_written_once_and_then_up_to_date(atlas: Atlas) -> None:
    assert run("docs", "--check").exit_code == 1
    assert run("docs").stdout == "docs/data_dictionary: README.md, core.md, meta.md, raw.md, report.md\n"
    assert run("docs", "--check").exit_code == 0
    assert run("docs").stdout == "docs/data_dictionary: nothing to change\n"
    (atlas.folder / FOLDER / "old.md").write_text("a page of a schema that is gone", encoding="utf-8")
    atlas.edit("data_contracts/raw/nhanes_slq.odcs.yaml", "How people slept", "How they slept")
    result = run("docs", "--check")
    assert "not up to date in docs/data_dictionary: old.md, raw.md" in result.stdout
    assert result.exit_code == 1
    assert run("docs").stdout == "docs/data_dictionary: old.md, raw.md\n"
    assert not (atlas.folder / FOLDER / "old.md").exists()


def test_how_a_column_was_read_is_told_by_the_draft_and_the_judgement(atlas: Atlas) -> None:
    path = Path(__file__).parents[1] / "cases" / "deliveries" / "parquet_tz.parquet"
    run("contract", "init", path, "--source", "clinic", "--table", "clinic_visits", "--wave", "2024")
    contract = atlas.folder / "data_contracts" / "raw" / "clinic_visits.odcs.yaml"
    assert "# TODO instants as a clock in Europe/Berlin shows them" in contract.read_text(encoding="utf-8")
    judged = run("contract", "test", path, "--table", "raw.clinic_visits", "--wave", "2024")
    assert "note: column seen: instants as a clock in Europe/Berlin shows them" in judged.stdout
