"""Every mistake in how a synthetic source is made is one sentence with file, line, key and what is known, before a night."""

from collections.abc import Callable
from pathlib import Path

import pytest

from pipelines.contracts.model import load_contracts
from pipelines.contracts.yaml_source import read_yaml
from pipelines.machine.settings import REPOSITORY, Settings
from pipelines.project.generator import generator_faults
from pipelines.project.sources import load_source

FOLDER = REPOSITORY / "data_contracts" / "sources"
SURVEY, PAIRS = "synthetic_survey", "synthetic_case_control"

WRONG: list[tuple[str, str, str, str, str]] = [
    (SURVEY, "  seed:", "  sed:", "generator.sed", "sed is no key here; did you mean seed?"),
    (SURVEY, "  seed: 20241122", "  seed: abc", "generator.seed", "must be a whole number; found the text 'abc'"),
    (
        SURVEY,
        "people: synthetic_survey_respondents",
        "people: somebody",
        "generator.tables.people",
        "somebody is no table of wave 2024",
    ),
    (SURVEY, "stratum_size: [0.6, 1.4]", "stratum_size: [1.4, 0.6]", "generator.population.stratum_size", "found [1.4, 0.6]"),
    (SURVEY, "psus_per_stratum: 20", "psus_per_stratum: 2", "generator.population.psus_per_stratum", "must be at least 3"),
    (SURVEY, "    female: 1.25", "    female: much", "generator.effects.female", "must be a number; found the text 'much'"),
    (SURVEY, "is_synthetic: true", "is_synthetic: false", "generator", "only a source with is_synthetic: true"),
    (PAIRS, "design: case_control", "design: cohort", "generator", "only a source of design case_control or survey"),
    (
        PAIRS,
        "136-pairs: 136,",
        "137-pairs: 136,",
        "generator.sets",
        "must name the waves of the source, each once: 136-pairs, 5000-pairs",
    ),
    (PAIRS, "variables: [sedentary]", "variables: [sedentery]", "generator.unanswered.0.variables.0", "did you mean sedentary?"),
    (PAIRS, "refused: 0.004", "refused: 0.999", "generator.unanswered.0.share", "must add up to less than 1"),
    (
        PAIRS,
        "planted: synthetic_case_control_planted}",
        "planted: planted}",
        "generator.tables.planted",
        "is no table of wave 136-pairs",
    ),
    (PAIRS, "  seed:", "  sed:", "generator.sed", "sed is no key here; did you mean seed?"),
]


def complaints(source: str, tmp_path: Path, edit: Callable[[str], str]) -> list[str]:
    """What is wrong with the source's file after the edit, as loading and lint say it."""
    path = tmp_path / f"{source}.yaml"
    path.write_text(edit((FOLDER / path.name).read_text("utf-8")), "utf-8")
    contracts = load_contracts(Settings().data_contracts).values()
    columns = {contract.table: list(contract.column_types()) for contract in contracts if contract.schema == "raw"}
    file = read_yaml(path)
    return [fault.at(file.place(fault.location)) for fault in generator_faults(load_source(path), columns)]


def changed(before: str, after: str) -> Callable[[str], str]:
    def edit(text: str) -> str:
        assert text.count(before) == 1
        return text.replace(before, after)

    return edit


@pytest.mark.parametrize(("source", "before", "after", "key", "message"), WRONG, ids=[f"{case[0]} {case[3]}" for case in WRONG])
def test_a_setting_that_is_wrong_is_told_with_its_line(
    tmp_path: Path, source: str, before: str, after: str, key: str, message: str
) -> None:
    found = complaints(source, tmp_path, changed(before, after))
    text = (tmp_path / f"{source}.yaml").read_text("utf-8")
    line = text[: text.index("generator:" if key == "generator" else after)].count("\n") + 1
    assert message in found[0]
    assert found[0].startswith(f"{tmp_path}/{source}.yaml, line {line} ({key}): ")
