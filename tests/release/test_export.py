"""An export holds what is published: numbers to the last bit, text that nothing runs, NULL as nothing. It overwrites nothing."""

import csv
import json
import re
from collections.abc import Iterator
from pathlib import Path

import duckdb
import openpyxl
import polars as pl
import pytest
import yaml
from openpyxl.utils.escape import unescape
from polars.testing import assert_frame_equal
from typer.testing import CliRunner

from pipelines.machine.errors import CrampAtlasError
from pipelines.release import export as exporting
from pipelines.release import spreadsheet
from pipelines.release.export import UNFINISHED, export
from pipelines.release.kept import current_release, releases_folder
from pipelines.release.spreadsheet import write_csv, write_workbook
from pipelines.terminal.cli import app
from tests.atlas import Atlas

TABLES = [
    "characteristics_by_outcome",
    "odds_ratios",
    "planted_truth",
    "prevalence_age_standardised",
    "prevalence_by_age_band",
    "prevalence_by_age_band_and_sex",
    "prevalence_by_exposure",
    "respondent_flow",
    "trends",
]

HOSTILE = [
    "=1+1",
    "@x",
    "+1",
    "-1",
    "\tx",
    "\rx",
    "\nx",
    '=cmd|"/c calc"!A1',
    "{=1+1}",
    "'quoted",
    "''twice",
    'a "word", and more',
    "two\nlines",
    "https://example.org",
    "mailto:x@example.org",
    "007",
    "≥ 30 %",
    "",
    None,
]
NUMBERS = [0.1 + 0.2, 1 / 3, 1.2345678901234567e-300, 9.87654321987654321e300, -2.5, 0.0, 12345678.123456789, None]


@pytest.fixture(scope="module")
def folder(published_synthetic: Atlas, tmp_path_factory: pytest.TempPathFactory) -> Path:
    exported = tmp_path_factory.mktemp("export") / "of" / "release"
    assert export(published_synthetic.project, exported) == current_release(published_synthetic.project)
    return exported


@pytest.fixture
def hostile() -> pl.DataFrame:
    numbers = [NUMBERS[position % len(NUMBERS)] for position in range(len(HOSTILE))]
    return pl.DataFrame({"text": HOSTILE, "number": numbers, "count": range(-3, len(HOSTILE) - 3), "flag": [True] * len(HOSTILE)})


def published(atlas: Atlas, table: str) -> pl.DataFrame:
    with duckdb.connect(str(atlas.warehouse / "epi_public.duckdb"), read_only=True) as connection:
        return connection.sql(f"select * from {table}").pl()


def cells(path: Path, sheet: str) -> Iterator[list[object]]:
    with path.open("rb") as file:
        workbook = openpyxl.load_workbook(file)
    for row in workbook[sheet].iter_rows(min_row=2):
        assert all(cell.data_type != "f" and cell.hyperlink is None for cell in row)
        yield [unescape(cell.value) if isinstance(cell.value, str) else cell.value for cell in row]


def test_the_folder_holds_every_report_table_and_what_is_said_about_them(folder: Path) -> None:
    files = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    texts = ["CITATION.cff", "CITATION.txt", "README.txt", "data_dictionary.csv", "data_dictionary.md", "report.xlsx"]
    texts += ["datacite.json", "ro-crate-metadata.json", "schema-org.json"]
    assert files == sorted([*texts, *(f"{kind}/{table}.{kind}" for kind in ("csv", "parquet") for table in TABLES)])
    assert folder.stat().st_mode & 0o777 == 0o755
    assert openpyxl.load_workbook(folder / "report.xlsx", read_only=True).sheetnames == [
        "read me",
        *TABLES,
        "data dictionary",
        "citation",
    ]


@pytest.mark.parametrize("table", TABLES)
def test_parquet_and_csv_read_back_to_the_last_bit(published_synthetic: Atlas, folder: Path, table: str) -> None:
    expected = published(published_synthetic, f"report.{table}")
    assert expected.height > 0
    assert_frame_equal(pl.read_parquet(folder / "parquet" / f"{table}.parquet"), expected, check_exact=True)
    read = pl.read_csv(folder / "csv" / f"{table}.csv", schema=expected.schema)
    assert_frame_equal(read, expected, check_exact=True)


@pytest.mark.parametrize("table", TABLES)
def test_a_sheet_holds_the_numbers_to_15_digits_and_nothing_for_null(
    published_synthetic: Atlas, folder: Path, table: str
) -> None:
    expected = published(published_synthetic, f"report.{table}")
    found = list(cells(folder / "report.xlsx", table))
    assert len(found) == expected.height
    for row, values in zip(found, expected.rows(), strict=True):
        assert [type(cell) if cell is None else str for cell in row] == [type(v) if v is None else str for v in values]
        numbers = [(cell, value) for cell, value in zip(row, values, strict=True) if isinstance(value, float)]
        assert [cell for cell, _ in numbers] == pytest.approx([value for _, value in numbers], rel=5e-15, abs=0)
        rest = [(cell, value) for cell, value in zip(row, values, strict=True) if not isinstance(value, float)]
        assert [cell for cell, _ in rest] == [value for _, value in rest]


def test_a_sheet_keeps_its_header_in_sight(folder: Path) -> None:
    sheet = openpyxl.load_workbook(folder / "report.xlsx")["odds_ratios"]
    assert sheet.freeze_panes == "A2"
    formats = {cell.value: below.number_format for cell, below in zip(sheet[1], sheet[2], strict=True)}
    assert (formats["odds_ratio"], formats["exposed_cases"], formats["p_value"]) == ("0.000", "#,##0", "0.0000")


def test_a_csv_cell_is_never_a_formula_and_its_text_comes_back(tmp_path: Path, hostile: pl.DataFrame) -> None:
    write_csv(hostile, tmp_path / "x.csv")
    assert (tmp_path / "x.csv").read_bytes().startswith(b"\xef\xbb\xbftext,")
    with (tmp_path / "x.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    texts = [row["text"] for row in rows]
    assert not [text for text in texts if text.startswith(("=", "+", "-", "@", "\t", "\r", "\n"))]
    assert [text.removeprefix("'") for text in texts] == [text or "" for text in HOSTILE]
    assert [text for text in texts if text.startswith("'")] == [f"'{text}" for text in HOSTILE[:8]] + ["''quoted", "'''twice"]
    assert [float(row["number"]) if row["number"] else None for row in rows] == hostile["number"].to_list()
    assert [int(row["count"]) for row in rows] == hostile["count"].to_list()


def test_a_csv_tells_an_empty_text_from_null(tmp_path: Path) -> None:
    write_csv(pl.DataFrame({"a": ["", None], "b": [1.5, None]}), tmp_path / "x.csv")
    assert (tmp_path / "x.csv").read_text(encoding="utf-8-sig").splitlines() == ["a,b", '"",1.5', ","]


def test_a_sheet_holds_text_as_text(tmp_path: Path, hostile: pl.DataFrame) -> None:
    write_workbook({"x": hostile}, tmp_path / "x.xlsx")
    found = list(cells(tmp_path / "x.xlsx", "x"))
    assert [row[0] for row in found] == [text or None for text in HOSTILE]
    expected = [number if number is None else pytest.approx(number, rel=5e-15, abs=0) for number in hostile["number"]]
    assert [row[1] for row in found] == expected
    assert [row[2] for row in found] == hostile["count"].to_list()
    assert {row[3] for row in found} == {True}


@pytest.mark.parametrize(
    ("frame", "reason"),
    [
        (pl.DataFrame({"a": ["x" * 32_768], "b": [1]}), "x, a: a text is longer than the 32,767 characters"),
        (pl.DataFrame({"a": [1.0, float("inf")], "b": [1, 2]}), "x, a: a number is not finite"),
        (pl.DataFrame({"a": [1.0, float("nan")], "b": [1, 2]}), "x, a: a number is not finite"),
        (pl.DataFrame({"a": [1, 2, 3], "b": [1, 2, 3]}), "x has 3 rows; a sheet of Excel holds 2"),
    ],
)
def test_what_excel_cannot_hold_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, frame: pl.DataFrame, reason: str
) -> None:
    monkeypatch.setattr(spreadsheet, "MOST_ROWS", 2)
    with pytest.raises(CrampAtlasError, match=reason):
        write_workbook({"x": frame}, tmp_path / "x.xlsx")
    assert not list(tmp_path.iterdir())


def test_a_text_of_the_greatest_length_is_held_whole(tmp_path: Path) -> None:
    write_workbook({"x": pl.DataFrame({"a": ["x" * 32_767], "b": [1]})}, tmp_path / "x.xlsx")
    [[text, _]] = cells(tmp_path / "x.xlsx", "x")
    assert text == "x" * 32_767


def test_long_names_of_sheets_are_cut_and_stay_different(tmp_path: Path) -> None:
    frame = pl.DataFrame({"a": [1], "b": [1]})
    write_workbook({"n" * 31 + end: frame for end in ("", "1", "2")}, tmp_path / "x.xlsx")
    assert openpyxl.load_workbook(tmp_path / "x.xlsx").sheetnames == ["n" * 31, "n" * 29 + "_2", "n" * 29 + "_3"]


def test_a_table_without_rows_is_a_header(tmp_path: Path) -> None:
    frame = pl.DataFrame(schema={"a": pl.String, "b": pl.Float64})
    write_workbook({"x": frame}, tmp_path / "x.xlsx")
    write_csv(frame, tmp_path / "x.csv")
    assert [cell.value for cell in openpyxl.load_workbook(tmp_path / "x.xlsx")["x"][1]] == ["a", "b"]
    assert (tmp_path / "x.csv").read_text(encoding="utf-8-sig") == "a,b\n"


def test_the_dictionary_names_every_column_of_every_table(published_synthetic: Atlas, folder: Path) -> None:
    dictionary = pl.read_csv(folder / "data_dictionary.csv")
    for table in TABLES:
        columns = published(published_synthetic, f"report.{table}").columns
        assert dictionary.filter(table_name=f"report.{table}")["column_name"].to_list() == columns
    assert dictionary["description"].null_count() == 0
    page = (folder / "data_dictionary.md").read_text(encoding="utf-8")
    assert [line.removeprefix("## ") for line in page.splitlines() if line.startswith("## ")] == TABLES
    rows = [line for line in page.splitlines() if line.startswith("|") and not line.startswith(("|---", "| column |"))]
    assert len(rows) == dictionary.height
    assert {line.replace("\\|", "").count("|") for line in rows} == {5}


def test_the_citation_names_the_release_its_sources_and_their_terms(published_synthetic: Atlas, folder: Path) -> None:
    cited = yaml.safe_load((folder / "CITATION.cff").read_text(encoding="utf-8"))
    release = current_release(published_synthetic.project)
    assert (cited["cff-version"], cited["type"], cited["version"]) == ("1.2.0", "dataset", release)
    assert cited["date-released"] == str(release)[:10]
    assert [reference["title"] for reference in cited["references"]] == [
        "Synthetic case-control source (synthetic)",
        "Synthetic survey (synthetic)",
    ]
    assert all("Terms of use: Free to use and to share." in reference["notes"] for reference in cited["references"])
    for file in ("CITATION.txt", "README.txt"):
        text = (folder / file).read_text(encoding="utf-8")
        assert str(release) in text
        assert text.count("SYNTHETIC") == 2
        assert "must never be reported as if it did" in text


def test_only_the_public_database_is_read(synthetic: Atlas, tmp_path: Path) -> None:
    release = releases_folder(synthetic.project) / str(current_release(synthetic.project))
    for path in [release / "epi.duckdb", *(release / "report").iterdir()]:
        path.unlink()
    export(synthetic.project, tmp_path / "export")
    assert (tmp_path / "export" / "report.xlsx").exists()


def test_an_empty_folder_is_taken(published_synthetic: Atlas, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    export(published_synthetic.project, tmp_path / "empty", current_release(published_synthetic.project))
    assert (tmp_path / "empty" / "CITATION.cff").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["empty"]


@pytest.mark.parametrize("occupied", ["a file", "a folder"])
def test_nothing_is_overwritten(published_synthetic: Atlas, tmp_path: Path, occupied: str) -> None:
    target = tmp_path / "mine"
    mine = target if occupied == "a file" else target / "thesis.txt"
    mine.parent.mkdir(exist_ok=True)
    mine.write_text("years of work", encoding="utf-8")
    with pytest.raises(CrampAtlasError, match="holds something already, and nothing is overwritten"):
        export(published_synthetic.project, target)
    assert mine.read_text(encoding="utf-8") == "years of work"
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


def test_what_appears_in_the_folder_meanwhile_is_not_overwritten(
    published_synthetic: Atlas, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = tmp_path / "mine" / "thesis.txt"

    def meanwhile(*_: object) -> None:
        mine.parent.mkdir()
        mine.write_text("years of work", encoding="utf-8")

    monkeypatch.setattr(exporting, "write_workbook", meanwhile)
    with pytest.raises(CrampAtlasError, match="could not be written: Directory not empty"):
        export(published_synthetic.project, mine.parent)
    assert [path.name for path in tmp_path.rglob("*")] == ["mine", "thesis.txt"]


def test_an_export_that_fails_leaves_nothing(published_synthetic: Atlas, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        assert [path for path in tmp_path.iterdir() if path.name.startswith(UNFINISHED)]
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(exporting, "write_workbook", fail)
    with pytest.raises(CrampAtlasError, match="export could not be written: No space left on device"):
        export(published_synthetic.project, tmp_path / "export")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("release", ["2020-01-01.1-00000000", "..", "../releases"])
def test_a_release_that_is_not_there_is_refused(published_synthetic: Atlas, tmp_path: Path, release: str) -> None:
    with pytest.raises(CrampAtlasError, match=f"there is no release {re.escape(release)}; there are: 20"):
        export(published_synthetic.project, tmp_path / "export", release)


def test_a_release_that_does_not_say_its_terms_of_use_is_refused(synthetic: Atlas, tmp_path: Path) -> None:
    old = releases_folder(synthetic.project) / "old"
    old.mkdir()
    manifest = {
        "release_id": "old",
        "sequence": 1,
        "published_at": "2020-01-01T00:00:00+00:00",
        "content_hash": "",
        "objects": [],
        "files": {},
    }
    (old / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    with duckdb.connect(str(old / "epi_public.duckdb")) as connection:
        connection.execute("create schema report; create table report.trends as select 1 as n")
    with pytest.raises(CrampAtlasError, match="release old does not say its sources and their terms of use"):
        export(synthetic.project, tmp_path / "export", "old")


def test_the_command_says_where_the_export_is_and_refuses_to_repeat_it(published_synthetic: Atlas, tmp_path: Path) -> None:
    environment = {"CRAMP_ATLAS_PROJECT": str(published_synthetic.folder)}
    first, second = (CliRunner().invoke(app, ["releases", "export", str(tmp_path / "export")], env=environment) for _ in range(2))
    assert first.stdout == f"release {current_release(published_synthetic.project)} is in {tmp_path / 'export'}\n"
    assert (first.exit_code, second.exit_code) == (0, 2)
    assert "name a new or empty folder" in second.stdout
