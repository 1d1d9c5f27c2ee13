"""Every format is read whole or refused; labels and declared missing values come along."""

from collections.abc import Callable
from datetime import date
from pathlib import Path

import polars as pl
import pyreadstat
import pytest

from tests.landing.readers.conftest import Read, Refusal
from tests.landing.readers.samples import COLUMN_LABELS, MARKER, N_RECORDS, people, sample

STATISTICAL = [".xpt", ".sav", ".zsav", ".por", ".dta"]
DEFAULT_WRITERS: dict[str, Callable[[pl.DataFrame, str], None]] = {
    ".xpt": pyreadstat.write_xport,
    ".sav": pyreadstat.write_sav,
    ".dta": pyreadstat.write_dta,
    ".por": pyreadstat.write_por,
}
BINARY = [*STATISTICAL, ".sas7bdat", ".parquet", ".xlsx"]

NAMES = {
    ".sav": "SPSS file",
    ".zsav": "compressed SPSS file",
    ".por": "SPSS portable file",
    ".dta": "Stata file",
    ".sas7bdat": "SAS data set",
    ".parquet": "Parquet file",
    ".xlsx": "workbook",
}
CUT_TRANSPORT = {
    0.01: "no SAS transport file",
    0.3: "a cut or altered SAS transport file (its last record has 41 of 80 bytes)",
    0.7: "a cut or altered SAS transport file (its last record has 40 of 80 bytes)",
}
OTHER_HEADS = {
    ".xpt": "no SAS transport file: it does not begin as one",
    ".sav": "a damaged SPSS file, or none: it does not begin as one",
    ".zsav": "a damaged SPSS file, or none: it does not begin as one",
    ".por": "a cut or damaged SPSS portable file",
    ".dta": "a damaged Stata file, or none: it does not begin as one",
    ".sas7bdat": "a damaged SAS data set, or none: it does not begin as one",
    ".parquet": "a damaged Parquet file, or none: it does not begin as one",
    ".xlsx": "a cut or damaged workbook",
}


@pytest.mark.parametrize("suffix", [*STATISTICAL, ".parquet", ".xlsx", ".XPT", ".Sav"])
def test_the_records_of_every_format_are_the_same(landing: Path, read: Read, suffix: str) -> None:
    path = sample(landing, suffix.lower())
    path = path.rename(path.with_suffix(suffix))
    frame = read(path).frame
    assert frame.cast({"SEX": pl.Int64}).equals(people())


def test_a_sas_data_set_is_read(landing: Path, read: Read) -> None:
    frame = read(sample(landing, ".sas7bdat")).frame
    assert frame.shape == (150, 5)
    assert frame.row(0) == (5.1, 3.5, 1.4, 0.2, "setosa")
    assert frame.row(149) == (5.9, 3.0, 5.1, 1.8, "virgin")  # the file keeps six characters


@pytest.mark.parametrize("suffix", [".sav", ".zsav", ".dta"])
def test_labels_come_with_the_records(landing: Path, read: Read, suffix: str) -> None:
    delivered = read(sample(landing, suffix))
    assert dict(delivered.column_labels) == COLUMN_LABELS
    assert delivered.value_labels == {"SEX": {"1": "man", "2": "woman"}}


@pytest.mark.parametrize("suffix", BINARY)
@pytest.mark.parametrize("share", [0.01, 0.3, 0.7])
def test_a_cut_file_is_refused(landing: Path, refusal: Refusal, suffix: str, share: float) -> None:
    path = sample(landing, suffix)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * share) + 1])
    found = CUT_TRANSPORT[share] if suffix == ".xpt" else f"a cut or damaged {NAMES[suffix]}"
    assert f"found {found} at" in refusal(path)


@pytest.mark.parametrize("suffix", BINARY)
def test_a_damaged_header_is_refused(landing: Path, refusal: Refusal, suffix: str) -> None:
    path = sample(landing, suffix)
    path.write_bytes(b"\x93" * 300 + path.read_bytes()[300:-300] + b"\x93" * 300)
    assert f"found {OTHER_HEADS[suffix]} at" in refusal(path)


@pytest.mark.parametrize("suffix", [*BINARY, ".csv", ".tsv"])
def test_an_empty_file_is_refused(landing: Path, refusal: Refusal, suffix: str) -> None:
    path = landing / f"delivery{suffix}"
    path.touch()
    assert "found an empty file" in refusal(path)


def test_a_file_that_is_not_there_is_refused(landing: Path, refusal: Refusal) -> None:
    assert "found no file" in refusal(landing / "delivery.csv")
    (landing / "folder.csv").mkdir()
    assert "found a folder" in refusal(landing / "folder.csv")


@pytest.mark.parametrize(
    "name", ["delivery.doc", "delivery", "delivery.gz", "delivery.doc.gz", "delivery.zip.gz", "delivery.tar.gz"]
)
def test_an_unknown_extension_is_refused(landing: Path, refusal: Refusal, name: str) -> None:
    (landing / name).write_bytes(b"x")
    assert "Deliver one of .csv, .dta, .ods, .parquet, .por" in refusal(landing / name)


@pytest.mark.parametrize("suffix", [".xls", ".xlsb"])
def test_a_workbook_that_hides_its_formulas_is_refused(landing: Path, refusal: Refusal, suffix: str) -> None:
    (landing / f"delivery{suffix}").write_bytes(b"x")
    assert "Save it as .xlsx" in refusal(landing / f"delivery{suffix}")


@pytest.mark.parametrize("suffix", DEFAULT_WRITERS)
def test_a_column_that_is_delivered_twice_is_kept_twice(landing: Path, read: Read, suffix: str) -> None:
    path = sample(landing, suffix)
    frame = pl.DataFrame({"AAAAA": [1.0, 2.0], "AAAAB": [3.0, 4.0]})
    DEFAULT_WRITERS[suffix](frame, str(path))
    path.write_bytes(path.read_bytes().replace(b"AAAAB", b"AAAAA"))
    assert read(path).frame.rows() == [(1.0, 3.0), (2.0, 4.0)]


def test_codes_that_spss_declares_missing_are_kept(landing: Path, read: Read) -> None:
    path = landing / "delivery.sav"
    frame = pl.DataFrame({"cramps": [1.0, 7.0, 9.0, None], "note": ["a", "NA", "b", ""]})
    pyreadstat.write_sav(frame, str(path), missing_ranges={"cramps": [{"lo": 7, "hi": 9}], "note": ["NA"]})
    assert read(path).frame.equals(frame)


def test_extended_missing_values_of_stata_are_kept_as_codes(landing: Path, read: Read) -> None:
    path = landing / "delivery.dta"
    columns = {"cramps": [1, 2, "r", None], "born": [0, 1, "d", None]}
    frame = pl.DataFrame({name: pl.Series(values, dtype=pl.Object) for name, values in columns.items()}).to_pandas()
    pyreadstat.write_dta(
        frame,
        str(path),
        missing_user_values={"cramps": ["r"], "born": ["d"]},
        variable_value_labels={"cramps": {1: "never", "r": "refused"}},  # type: ignore[dict-item]
        variable_format={"born": "%td"},
    )
    delivered = read(path)
    assert delivered.frame["cramps"].to_list() == ["1", "2", ".r", None]
    assert delivered.frame["born"].to_list() == ["1960-01-01", "1960-01-02", ".d", None]
    assert delivered.value_labels == {"cramps": {"1": "never", ".r": "refused"}}


def test_special_missing_values_of_a_transport_file_are_kept_as_codes(landing: Path, read: Read) -> None:
    path = landing / "delivery.xpt"
    pyreadstat.write_xport(pl.DataFrame({"CRAMPS": [1.0, None, None, 2.5]}), str(path), file_format_version=5)
    system_missing = b"." + bytes(7)
    assert path.read_bytes().count(system_missing) == 2
    path.write_bytes(path.read_bytes().replace(system_missing, b"R" + bytes(7), 1))
    assert read(path).frame["CRAMPS"].to_list() == ["1", ".R", None, "2.5"]


@pytest.mark.parametrize("suffix", STATISTICAL)
def test_a_file_of_no_records_keeps_its_columns_and_types(landing: Path, read: Read, suffix: str) -> None:
    frame = read(sample(landing, suffix, n_records=0)).frame
    assert frame.height == 0
    assert frame.columns == people().columns
    assert frame.schema["NOTE"] == pl.String


def test_a_parquet_file_keeps_its_types(landing: Path, read: Read) -> None:
    frame = pl.DataFrame({"id": [1, None], "is_case": [True, None], "born": [date(1950, 1, 1), None]})
    frame.write_parquet(landing / "delivery.parquet")
    assert read(landing / "delivery.parquet").frame.equals(frame)


def test_a_transport_file_cut_inside_a_record_is_refused(landing: Path, refusal: Refusal) -> None:
    path = sample(landing, ".xpt")
    path.write_bytes(path.read_bytes()[:-30])
    assert "its last record has 50 of 80 bytes" in refusal(path)


def test_a_transport_file_cut_between_records_is_read_short(landing: Path, read: Read) -> None:
    """It cannot be told from a whole one: the number of rows must be compared with the source's."""
    path = landing / "delivery.xpt"
    pyreadstat.write_xport(people().select("ID", "SEX"), str(path), file_format_version=5)
    path.write_bytes(path.read_bytes()[:-160])
    assert read(path).frame.height == N_RECORDS - 10


def test_a_transport_file_cut_inside_its_last_record_is_refused(landing: Path, refusal: Refusal) -> None:
    path = sample(landing, ".xpt")
    path.write_bytes(path.read_bytes()[:-160])
    assert "bytes after its last whole record: cut, or padded" in refusal(path)


@pytest.mark.parametrize(
    ("content", "expected"),
    [(b"<!DOCTYPE html><html>not found</html>", "a web page"), (b"SEQN,NOTE\n1,a\n", "no SAS transport file")],
)
def test_another_file_under_the_name_of_a_transport_file_is_refused(
    landing: Path, refusal: Refusal, content: bytes, expected: str
) -> None:
    path = landing / "delivery.xpt"
    path.write_bytes(content)
    assert expected in refusal(path)


def test_text_of_a_file_that_names_a_wrong_encoding_is_read_in_the_declared_one(landing: Path, read: Read) -> None:
    path = landing / "delivery.xpt"
    pyreadstat.write_xport(pl.DataFrame({"NOTE": ["cafX", MARKER]}), str(path))
    path.write_bytes(path.read_bytes().replace(b"cafX", b"caf\xe9"))
    assert read(path, encoding="cp1252").frame["NOTE"].to_list() == ["café", MARKER]


def test_a_named_catalogue_must_be_there_and_whole(landing: Path, refusal: Refusal) -> None:
    path = sample(landing, ".sas7bdat")
    assert "no catalogue of value labels" in refusal(path, catalogue="formats.sas7bcat")
    (landing / "formats.sas7bcat").write_bytes(b"\x93" * 4096)
    assert "damaged SAS catalogue" in refusal(path, catalogue="formats.sas7bcat")
    (landing / "formats.sas7bcat").rename(landing / "delivery.sas7bcat")
    assert "damaged SAS catalogue" in refusal(path)
