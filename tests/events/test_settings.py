"""The sections on events and the list of classes: what is wrong with them is told by file, line and key."""

import re
import shutil
from pathlib import Path

import pytest

from pipelines.machine.errors import ConfigurationError
from pipelines.project.drug_classes import load_drug_classes
from pipelines.stages import load_project
from tests.atlas import Atlas, make_atlas

HEAD = "version,drug_class,label,atc_code,source\n"


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Atlas:
    return make_atlas(tmp_path_factory.mktemp("whole") / "project", keeping=("sequences", "diary"))


@pytest.fixture
def atlas(whole: Atlas, tmp_path: Path) -> Atlas:
    shutil.copytree(whole.folder, tmp_path / "project")
    return Atlas(tmp_path / "project")


def told(atlas: Atlas) -> str:
    with pytest.raises(ConfigurationError) as raised:
        load_project(atlas.settings)
    return str(raised.value)


MARKER, RUN_IN, WINDOWS = "  marker: quinine\n", "  run_in_days: 365\n", "windows_days: [90, 365]"
EVENTS = "  events: core.dispensings\n"

EDITS = {
    "a class that there is not": (MARKER, "  marker: quinin\n", r"quinin is no class of atc_2025; did you mean quinine"),
    "a version that there is not": ("atc_2025", "atc_2024", r"atc_2024 is no version of .*did you mean atc_2025"),
    "a key that there is not": (RUN_IN, f"{RUN_IN}  marker_too: 1\n", r"marker_too.*is no key here"),
    "the marker among the classes": ("    statin: {}\n", "    quinine: {}\n", r"index\.quinine.*nothing comes before itself"),
    "a comparator that is not asked for": ("inhaled_anticholinergic}", "beta_agonist}", r"must be another class under index"),
    "windows that do not ascend": (WINDOWS, "windows_days: [365, 90]", r"windows_days.*must ascend"),
    "a window of no day": (WINDOWS, "windows_days: [0, 365]", r"must be from 1 to 3,660 days; found the number 0"),
    "a gap as long as a window": (RUN_IN, f"{RUN_IN}  gap_days: 90\n", r"gap_days.*shorter than the shortest window"),
    "a table of respondents": (EVENTS, "  events: core.respondents\n", r"core.respondents, which is no table of events"),
    "a table without codes": (EVENTS, "  events: core.cramp_diary\n", r"core.cramp_diary, which needs a column atc_code"),
    "a count that is text": ("  count: cramps\n", "  count: trigger\n", r"diary.*count.*trigger is no column"),
}


@pytest.mark.parametrize("case", EDITS)
def test_a_setting_that_cannot_be_meant_is_told(atlas: Atlas, case: str) -> None:
    before, after, words = EDITS[case]
    atlas.edit("study.yaml", before, after)
    message = told(atlas)
    assert re.search(r"study\.yaml, line \d+", message), message
    assert re.search(words, message), message


def test_tables_and_their_section_belong_together(atlas: Atlas) -> None:
    text = (atlas.folder / "study.yaml").read_text(encoding="utf-8")
    (atlas.folder / "study.yaml").write_text(text.replace("\ndiary:\n", "\nnot_diary:\n"), encoding="utf-8")
    assert "not_diary" in told(atlas)
    (atlas.folder / "study.yaml").write_text(re.sub(r"(?m)^diary:\n(  .*\n)+", "", text), encoding="utf-8")
    assert "report.diary_rates has a contract, and study.yaml has no section diary" in told(atlas)
    (atlas.folder / "study.yaml").write_text(text, encoding="utf-8")
    (atlas.folder / "data_contracts/report/diary_rates.odcs.yaml").unlink()
    assert "makes report.diary_rates, which has no contract" in told(atlas)


def test_a_source_of_events_has_them_and_no_respondents(atlas: Atlas) -> None:
    select = atlas.folder / "sql/core/dispensings/synthetic_dispensings.sql"
    shutil.copy(select, atlas.folder / "sql/core/respondents/synthetic_dispensings.sql")
    assert "is of design register, which has no respondents" in told(atlas)
    (atlas.folder / "sql/core/respondents/synthetic_dispensings.sql").unlink()
    select.unlink()
    message = told(atlas)
    assert (
        "synthetic_dispensings has no select for a table of events: add sql/core/cramp_diary/synthetic_dispensings.sql or"
        in message
    )
    assert "core.dispensings has no select for any source" in message


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("v,a,A,C3C,why", "C3C is no ATC code"),
        ("v,a,A,C03C", "has 4 fields where 5 are needed"),
        ("v,a,,C03C,why", "label is empty"),
        ("v,a,A,C03C,why\nv,a,A,C03C,why", "names C03C in a of v twice"),
        ("v,a,A,C03C,why\nv,a,B,C03D,why", "a of v has another label above: A"),
        ('v,a,A,C03C,"why', "is a quote not closed"),
    ],
)
def test_a_line_of_the_classes_that_is_wrong_is_told(tmp_path: Path, line: str, words: str) -> None:
    path = tmp_path / "drug_classes.csv"
    path.write_text(f"{HEAD}{line}\n", encoding="utf-8")
    with pytest.raises(ConfigurationError, match=words):
        load_drug_classes(path)


def test_classes_are_versions_of_lists_of_codes(tmp_path: Path) -> None:
    path = tmp_path / "drug_classes.csv"
    path.write_text(f"{HEAD}v,a,A,C03C,why\nv,a,A,C03EB01,why\nw,a,A,C03,why\n", encoding="utf-8")
    found = load_drug_classes(path)
    assert {version: {name: one.codes for name, one in classes.items()} for version, classes in found.items()} == {
        "v": {"a": ("C03C", "C03EB01")},
        "w": {"a": ("C03",)},
    }
    assert load_drug_classes(tmp_path / "none.csv") == {}
    path.write_text("version,class\n", encoding="utf-8")
    with pytest.raises(ConfigurationError, match="line 1: must have the columns version, drug_class"):
        load_drug_classes(path)
