"""Synthetic sources land as files that their contracts take, byte for byte the same, and only when something has changed."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from pipelines.landing.readers.reading import read_delivery
from pipelines.machine.errors import ConfigurationError
from pipelines.machine.settings import Settings
from pipelines.project.project import Project
from pipelines.project.sources import Source
from pipelines.raw.conform import conform
from pipelines.synthetic.delivery import MADE, deliver, recipe_of
from tests.synthetic.changed_sources import with_generator


@pytest.fixture(scope="module")
def delivered(project: Project, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A warehouse in which both synthetic sources have landed."""
    folder = tmp_path_factory.mktemp("delivered")
    ours = replace(project, settings=project.settings.model_copy(update={"warehouse": folder}))
    for source in ("synthetic_survey", "synthetic_case_control"):
        assert deliver(ours, ours.sources[source])
    return ours


def landing(project: Project, source: Source) -> Path:
    return project.settings.landing_folder / source.source


def test_every_file_of_the_source_lands(delivered: Project, survey: Source, case_control: Source) -> None:
    for source in (survey, case_control):
        files = {table.file for wave in source.waves.values() for table in wave.tables.values()}
        folder = landing(delivered, source)
        assert {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()} == files | {MADE}


def test_a_second_delivery_of_the_same_generates_nothing(delivered: Project, survey: Source) -> None:
    before = {path: path.stat().st_mtime_ns for path in landing(delivered, survey).rglob("*")}
    assert not deliver(delivered, survey)
    assert {path: path.stat().st_mtime_ns for path in landing(delivered, survey).rglob("*")} == before


def test_another_machine_delivers_the_same_bytes(
    delivered: Project, landed: Project, case_control: Source, survey: Source
) -> None:
    for source in (case_control, survey):
        deliver(landed, source)
        for path in landing(delivered, source).rglob("*.csv"):
            assert (landing(landed, source) / path.relative_to(landing(delivered, source))).read_bytes() == path.read_bytes()


@pytest.mark.parametrize("spoil", [lambda path: path.write_text("cut"), Path.unlink], ids=["changed", "missing"])
def test_a_changed_or_missing_file_is_delivered_again(
    landed: Project, case_control: Source, spoil: Callable[[Path], object]
) -> None:
    deliver(landed, case_control)
    path = landing(landed, case_control) / "136-pairs/participants.csv"
    content = path.read_bytes()
    spoil(path)
    assert deliver(landed, case_control)
    assert path.read_bytes() == content


def test_a_note_that_cannot_be_read_is_no_proof(landed: Project, case_control: Source) -> None:
    deliver(landed, case_control)
    (landing(landed, case_control) / MADE).write_text('["half a no', encoding="utf-8")
    assert deliver(landed, case_control)
    assert set(json.loads((landing(landed, case_control) / MADE).read_text())) == {"recipe", "files"}


def test_a_failure_leaves_the_delivery_that_was_there(landed: Project, case_control: Source) -> None:
    deliver(landed, case_control)
    before = {path: path.read_bytes() for path in landing(landed, case_control).rglob("*.csv")}
    broken = with_generator(case_control, seed=1, streams={"sets": ["age"], "members": ["sedentary"]})
    with pytest.raises(ConfigurationError):
        deliver(landed, broken)
    assert {path: path.read_bytes() for path in landing(landed, case_control).rglob("*.csv")} == before


def test_another_seed_delivers_other_records(landed: Project, case_control: Source) -> None:
    deliver(landed, case_control)
    path = landing(landed, case_control) / "136-pairs/participants.csv"
    content = path.read_bytes()
    assert deliver(landed, with_generator(case_control, seed=1))
    assert path.read_bytes() != content


def _other_study(project: Project) -> Project:
    return replace(project, study=project.study.model_copy(update={"confidence_level": 0.9}))


def _other_codebook(project: Project) -> Project:
    name = "raw.synthetic_survey_respondents"
    contract = project.contracts[name]
    assert contract.codebook
    changed = replace(contract, codebook=replace(contract.codebook, codes=contract.codebook.codes[:-1]))
    return replace(project, contracts={**project.contracts, name: changed})


def _other_harmonising(project: Project) -> Project:
    name = "core.respondents/synthetic_survey"
    changed = replace(project.selects[name], text=f"{project.selects[name].text} -- another line")
    return replace(project, selects={**project.selects, name: changed})


@pytest.mark.parametrize("change", [_other_study, _other_codebook, _other_harmonising])
def test_whatever_decides_the_delivery_is_in_its_recipe(
    project: Project, survey: Source, change: Callable[[Project], Project]
) -> None:
    assert recipe_of(change(project), survey) != recipe_of(project, survey)


def test_what_decides_nothing_is_not_in_the_recipe(project: Project, survey: Source) -> None:
    study = project.study.model_copy(update={"title": "Another title"})
    assert recipe_of(replace(project, study=study), survey) == recipe_of(project, survey)


def test_the_file_of_records_is_a_mess_that_its_contract_reads(delivered: Project, survey: Source) -> None:
    path = landing(delivered, survey) / "2024/respondents.csv"
    assert path.read_bytes().startswith(b"\xef\xbb\xbf")
    contract = delivered.contracts["raw.synthetic_survey_respondents"]
    records = pl.DataFrame(conform(read_delivery(path).frame, contract, "2024"))
    assert records.height == 1_503
    assert records["respondent"].n_unique() == 1_500
    assert (records["age"] == 199).sum() == 4
    assert contract.codebook
    assert set(records["sex"]) == set(contract.codebook.received("sex"))
    assert {7, 9, None} < set(records["leg_cramps"])


def test_the_file_of_pairs_has_the_rows_that_its_source_publishes(delivered: Project, case_control: Source) -> None:
    for wave in case_control.study_waves:
        file = case_control.waves[wave].tables["synthetic_case_control_participants"]
        assert read_delivery(landing(delivered, case_control) / file.file).frame.height == file.rows


def test_the_files_of_planted_values_meet_their_contracts(delivered: Project, survey: Source, case_control: Source) -> None:
    for source in (survey, case_control):
        for wave in source.study_waves:
            table = f"{source.source}_planted"
            frame = read_delivery(landing(delivered, source) / source.waves[wave].tables[table].file).frame
            planted = pl.DataFrame(conform(frame, delivered.contracts[f"raw.{table}"], wave))
            assert planted["planted"].null_count() == 0
            assert planted["wave"].unique().to_list() == [wave]


def test_a_source_without_a_generator_is_refused(landed: Project, survey: Source) -> None:
    with pytest.raises(ConfigurationError, match="generator"):
        deliver(landed, survey.model_copy(update={"generator": None}))


def test_a_design_that_cannot_be_generated_is_refused(landed: Project, survey: Source) -> None:
    with pytest.raises(ConfigurationError, match="case_control, diary, register or survey"):
        deliver(landed, survey.model_copy(update={"design": "clinic"}))


def test_every_unknown_setting_is_named(landed: Project, survey: Source) -> None:
    with pytest.raises(ConfigurationError, match=r"(?s)sed\b.*colour") as refused:
        deliver(landed, with_generator(survey, sed=1, colour="blue"))
    assert "sources/synthetic_survey.yaml" in str(refused.value)


def test_tables_that_the_source_does_not_deliver_are_refused(landed: Project, survey: Source) -> None:
    with pytest.raises(ConfigurationError, match="wave 2024"):
        deliver(landed, with_generator(survey, tables={"people": "somebody", "planted": "synthetic_survey_planted"}))


def test_a_missing_select_is_named(landed: Project, survey: Source, tmp_path: Path) -> None:
    elsewhere = replace(landed, settings=Settings(project=tmp_path, warehouse=tmp_path))
    with pytest.raises(ConfigurationError, match=r"add sql/synthetic/synthetic_survey\.sql"):
        deliver(elsewhere, survey)


def test_shares_of_unanswered_that_leave_no_answer_are_refused(landed: Project, survey: Source) -> None:
    everybody = [{"variables": ["leg_cramps"], "share": {"refused": 0.5, "dont_know": 0.5}}]
    with pytest.raises(ConfigurationError, match="less than 1"):
        deliver(landed, with_generator(survey, unanswered=everybody))
