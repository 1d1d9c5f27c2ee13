"""The committed data dictionary and the meta tables say what the contracts say."""

from pathlib import Path

import polars as pl
import pytest

from pipelines.authoring.dictionary import FOLDER, pages
from pipelines.machine.settings import REPOSITORY, Settings
from pipelines.project.project import Project
from pipelines.release.meta import meta_tables
from pipelines.stages import load_project
from tests.atlas import Atlas, make_atlas


@pytest.fixture(scope="module")
def project() -> Project:
    return load_project(Settings(project=REPOSITORY))


@pytest.fixture
def atlas(tmp_path: Path) -> Atlas:
    return make_atlas(tmp_path / "project")


def test_the_committed_dictionary_is_what_the_contracts_say(project: Project) -> None:
    """Otherwise: `make docs`, and commit what it writes."""
    committed = {path.name: path.read_text(encoding="utf-8") for path in (REPOSITORY / FOLDER).iterdir()}
    written = pages(project)
    assert [name for name in written.keys() | committed.keys() if written.get(name) != committed.get(name)] == []


def test_every_table_column_and_code_has_its_place(project: Project) -> None:
    written = pages(project)
    for name, contract in project.contracts.items():
        page = written[f"{contract.schema}.md"]
        section = page.partition(f"\n## {name}\n")[2].partition("\n## ")[0]
        assert f"[{name}]({contract.schema}.md#{name.replace('.', '')})" in written["README.md"]
        assert f"version {contract.version}" in section
        for column in contract.columns:
            assert section.count(f"\n| `{column.name}` | {column.type} | ") == 1
        for code in contract.codebook.codes if contract.codebook else ():
            assert section.count(f"\n| `{code.variable}` | `{code.received}` | ") == 1


def test_a_question_is_shown_with_its_codes(project: Project) -> None:
    page = pages(project)["raw.md"]
    assert (
        "| `SLQ160` | INTEGER |  |  | How often have legs cramp while sleeping <br>*\\[In the past month, how often did "
        "{you/SP}] have leg cramps while trying to sleep?* <br>Coded. |\n"
    ) in page
    assert "| `SLQ160` | `3` | `often` | Often (5-15 times a month) |  |\n" in page
    assert "| `SLQ160` | `7` |  | Refused | refused |\n" in page


def test_text_of_a_contract_never_breaks_a_page(atlas: Atlas) -> None:
    atlas.edit(
        "data_contracts/raw/nhanes_slq.odcs.yaml",
        "description: How often have legs cramp while sleeping",
        'description: "a | b <img> *c* [d](e) & f\\n\\n## g"',
    )
    codebook = atlas.folder / "data_contracts/codebooks/synthetic_survey_respondents.csv"
    codebook.write_text(codebook.read_text(encoding="utf-8") + "sex,a|b,a`b,A|B,\n", encoding="utf-8")
    page = pages(atlas.project)["raw.md"]
    assert "\n| `sex` | `a\\|b` | a`b | A\\|B |  |\n" in page
    assert "| `SLQ160` | INTEGER |  |  | a \\| b &lt;img> \\*c\\* \\[d](e) &amp; f ## g <br>" in page


@pytest.mark.parametrize("name", ["raw.md", "core.md", "report.md", "meta.md", "README.md"])
def test_every_line_of_a_grid_has_the_cells_of_its_head(project: Project, name: str) -> None:
    n_cells = 0
    for line in pages(project)[name].splitlines():
        if not line.startswith("| "):
            n_cells = 0
            continue
        found = line.replace("\\|", "").count("|")
        n_cells = n_cells or found
        assert found == n_cells, line


def test_meta_lists_every_code_once(project: Project) -> None:
    codes = meta_tables(project, {})["meta.codes"]
    assert codes.select("table_name", "variable", "received").is_unique().all()
    assert codes.filter(table_name="raw.nhanes_slq", variable="SLQ160").select(
        "received", "code", "meaning", "kind_of_missing"
    ).rows() == [
        ("0", "never", "Never", None),
        ("1", "rarely", "Rarely (1 time a month)", None),
        ("2", "sometimes", "Sometimes (2-4 times a month)", None),
        ("3", "often", "Often (5-15 times a month)", None),
        ("4", "almost_always", "Almost always (16-30 times a month)", None),
        ("7", None, "Refused", "refused"),
        ("9", None, "Don't know", "dont_know"),
    ]
    lines = [path.read_text(encoding="utf-8").splitlines() for path in (REPOSITORY / "data_contracts/codebooks").glob("*.csv")]
    assert codes.height == sum(len(text) - 1 for text in lines)


def test_meta_says_of_a_column_how_it_is_classified_coded_and_asked(project: Project) -> None:
    columns = meta_tables(project, {})["meta.columns"].filter(table_name="raw.nhanes_paq")
    said = {row["column_name"]: row for row in columns.iter_rows(named=True)}
    assert said["SEQN"]["classification"] == "identifier"
    assert said["SEQN"]["codebook_variable"] is None
    assert said["SEQN"]["waves"] is None
    assert said["PAD680"]["classification"] is None
    assert said["PAD680"]["codebook_variable"] == "PAD680"
    assert said["PAD680"]["waves"] == "2007-2008"
    assert said["PAD680"]["unit"] == "minutes"


def test_every_coded_column_finds_its_codes_in_meta(project: Project) -> None:
    tables = meta_tables(project, {})
    coded = tables["meta.columns"].filter(pl.col("codebook_variable").is_not_null())
    found = coded.join(
        tables["meta.codes"], left_on=["table_name", "codebook_variable"], right_on=["table_name", "variable"], how="anti"
    )
    assert coded.height > 100
    assert found.is_empty()
