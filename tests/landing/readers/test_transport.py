"""A SAS transport file gives the records that were written, one data set of it, in the right letters, or says why not.

Expected records are those that TS-140 lays out by hand, or those that SAS's own rule for blanks gives.
"""

from datetime import datetime
from pathlib import Path
from zipfile import ZipFile

import polars as pl
import pyreadstat
import pytest

from pipelines.landing.readers.transport import CARD
from tests.landing.readers.here import read_here, refused_here
from tests.small_deliveries import AGE, NUMERIC, SEQN, DataSet, Variable, delivery, ibm, transport_file

DEMO = {"SEQN": [1.0, 2.0, 3.0], "AGE": [44.0, 51.0, 60.0]}


def write(path: Path, **columns: list[float] | list[str]) -> Path:
    pyreadstat.write_xport(pl.DataFrame(columns), str(path), file_format_version=5)
    return path


def test_of_several_data_sets_the_declared_one_is_read(tmp_path: Path) -> None:
    path = delivery("xpt_two_members.xpt", tmp_path)
    assert "a SAS transport file of 2 data sets ('DEMO', 'DRUG'). Say which one" in refused_here(path, tmp_path)
    assert read_here(path, tmp_path, member="DEMO").frame.to_dict(as_series=False) == DEMO
    second = read_here(path, tmp_path, member="drug").frame
    assert second.height == 2
    assert second.row(0)[-1] == "aspirin"
    assert "no data set of the name in its form; there are 'DEMO', 'DRUG'" in refused_here(path, tmp_path, member="LAB")


def test_of_several_data_sets_in_an_archive_none_can_be_named(tmp_path: Path) -> None:
    path = tmp_path / "delivery.zip"
    with ZipFile(path, "w") as archive:
        archive.write(delivery("xpt_two_members.xpt", tmp_path), "two.xpt")
    assert "2 data sets ('DEMO', 'DRUG'). Unpack it and deliver the .xpt itself" in refused_here(path, tmp_path)
    assert "Unpack it and deliver the .xpt itself" in refused_here(path, tmp_path, member="two.xpt")


@pytest.mark.parametrize("n_cards", [1, 3])
def test_blanks_after_the_last_record_are_no_records(tmp_path: Path, n_cards: int) -> None:
    path = write(tmp_path / "a.xpt", **DEMO)
    path.write_bytes(path.read_bytes() + b" " * CARD * n_cards)
    assert read_here(path, tmp_path).frame.to_dict(as_series=False) == DEMO


@pytest.mark.parametrize("n_cards", [1, 3])
def test_nul_bytes_after_the_last_record_are_refused_unless_the_number_of_records_is_declared(
    tmp_path: Path, n_cards: int
) -> None:
    path = write(tmp_path / "a.xpt", **DEMO)
    path.write_bytes(path.read_bytes() + bytes(CARD * n_cards))
    assert "hold NUL bytes only and end with the file" in refused_here(path, tmp_path)
    assert read_here(path, tmp_path, 3).frame.to_dict(as_series=False) == DEMO


def test_the_last_card_filled_with_nul_bytes_is_refused(tmp_path: Path) -> None:
    path = delivery("xpt_pad_nul.xpt", tmp_path)
    assert "whose last 2 records hold NUL bytes only" in refused_here(path, tmp_path)
    assert read_here(path, tmp_path, 3).frame.rows() == [(1.0, 44.0), (2.0, 45.0), (3.0, 46.0)]


def test_records_of_zeros_before_blanks_are_records(tmp_path: Path) -> None:
    columns = {"A": [1.0, 0.0, 0.0], "B": [2.0, 0.0, 0.0]}
    assert read_here(write(tmp_path / "a.xpt", **columns), tmp_path).frame.to_dict(as_series=False) == columns


def test_other_bytes_after_the_last_record_are_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "a.xpt", A=["x" * 30, "y" * 30])
    path.write_bytes(path.read_bytes()[:-20] + b"\x1a" * 20)
    assert "bytes after its last whole record: cut, or padded" in refused_here(path, tmp_path)


def test_blank_records_at_the_end_of_text_are_said_and_read_where_their_number_is_declared(tmp_path: Path) -> None:
    path = delivery("xpt_blank_last_row.xpt", tmp_path)
    delivered = read_here(path, tmp_path)
    assert delivered.frame.rows() == [("x", "y"), ("z", "")]
    assert "2 records, or up to 11 blank ones more" in delivered.notes[0]
    assert read_here(path, tmp_path, 3).frame.rows() == [("x", "y"), ("z", ""), (None, None)]
    assert not read_here(path, tmp_path, 3).notes
    padded = tmp_path / "a.xpt"
    padded.write_bytes(path.read_bytes() + b" " * CARD)
    assert "more blanks after its last record than fill it up" in refused_here(padded, tmp_path)


def test_blank_records_between_others_stay(tmp_path: Path) -> None:
    path = write(tmp_path / "a.xpt", A=["x", "", "", "y"])
    assert read_here(path, tmp_path).frame["A"].to_list() == ["x", "", "", "y"]


def test_a_stated_number_of_records_of_version_8_counts(tmp_path: Path) -> None:
    path = tmp_path / "a.xpt"
    pyreadstat.write_xport(pl.DataFrame({"TEXT": ["x", "y", "z"]}), str(path), file_format_version=8)
    content = path.read_bytes()
    at = content.index(b"OBSV8") + 28
    assert content[at - 7 : at] == b"!" * 7
    path.write_bytes(content[:at] + b"%15d" % 5 + content[at + 15 :])
    assert read_here(path, tmp_path).frame["TEXT"].to_list() == ["x", "y", "z", None, None]
    path.write_bytes(content[:at] + b"%15d" % 500 + content[at + 15 :])
    assert "states 500 records and holds 3 to 80: cut, or padded" in refused_here(path, tmp_path)


@pytest.mark.parametrize("name", ["xpt_latin1.xpt", "xpt_latin1_value.xpt"])
def test_letters_of_another_encoding_are_declared(tmp_path: Path, name: str) -> None:
    path = delivery(name, tmp_path)
    text = refused_here(path, tmp_path)
    assert "does not name its encoding, with text that is not UTF-8" in text
    assert "form: {encoding: cp1252}" in text
    assert read_here(path, tmp_path, encoding="cp1252").frame["T"].to_list() == ["café", "naïf"]
    assert "text that is not shift_jis" in refused_here(path, tmp_path, encoding="shift_jis")


@pytest.mark.parametrize("member", ["DEMO", "NONE"])
def test_a_data_set_is_read_wherever_it_stands_and_one_without_records_has_none(tmp_path: Path, member: str) -> None:
    demo = DataSet("DEMO", (SEQN, AGE), b"".join(ibm(number) + ibm(age) for number, age in ((1, 44), (2, 51))))
    path = tmp_path / "a.xpt"
    path.write_bytes(transport_file(DataSet("NONE", (SEQN, AGE), b""), demo))
    rows = read_here(path, tmp_path, member=member).frame.rows()
    assert rows == ([(1.0, 44.0), (2.0, 51.0)] if member == "DEMO" else [])


@pytest.mark.parametrize("length", [4, 8])
def test_text_behind_the_records_makes_no_records(tmp_path: Path, length: int) -> None:
    columns = (Variable(NUMERIC, length, "A"), Variable(NUMERIC, length, "B"))
    path = tmp_path / "a.xpt"
    path.write_bytes(transport_file(DataSet("D", columns, ibm(1)[:length] + ibm(2)[:length])))
    assert read_here(path, tmp_path).frame.rows() == [(1.0, 2.0)]
    path.write_bytes(path.read_bytes() + b"END OF FILE".ljust(CARD - 1) + b".")
    assert "numbers of blanks: something else stands behind its records" in refused_here(path, tmp_path)


@pytest.mark.parametrize("end", [b"\x1a", b"\n", b"\r\n"])
def test_bytes_that_no_transport_file_ends_with_are_told_from_a_cut(tmp_path: Path, end: bytes) -> None:
    path = write(tmp_path / "a.xpt", **DEMO)
    path.write_bytes(path.read_bytes() + end)
    text = refused_here(path, tmp_path)
    assert text == (
        f"a cut or altered SAS transport file (its last record has {len(end)} of 80 bytes). Fetch it again, as a binary file: a "
        "transfer as text adds or drops bytes"
    )


def test_a_data_set_without_columns_is_named(tmp_path: Path) -> None:
    path = tmp_path / "a.xpt"
    path.write_bytes(transport_file(DataSet("D", (), b"")))
    assert "whose data set has no columns" in refused_here(path, tmp_path)


@pytest.mark.parametrize(
    ("display", "note"),
    [
        ("SEXF", "SAS shows these numbers by the format SEXF, whose meanings are not in the file: codes, or dates?"),
        ("TOD", "the format shows the time of day only: the numbers are instants with a day"),
        ("BEST", None),
        ("COMMA", None),
        ("", None),
    ],
)
def test_what_a_format_alone_can_tell_is_said(tmp_path: Path, display: str, note: str | None) -> None:
    column = Variable(NUMERIC, 8, "X", b"", display)
    path = tmp_path / "a.xpt"
    path.write_bytes(transport_file(DataSet("D", (column,), ibm(23_376 * 86_400 + 3_600))))
    delivered = read_here(path, tmp_path)
    assert delivered.column_notes.get("X") == note
    assert delivered.frame["X"][0] == (datetime(2024, 1, 1, 1) if display == "TOD" else 2_019_690_000)


def test_a_header_that_is_cut_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "a.xpt", **DEMO)
    path.write_bytes(path.read_bytes()[: 8 * CARD])
    assert "cut or damaged SAS transport file (its header)" in refused_here(path, tmp_path)


def test_a_cport_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "a.xpt"
    path.write_bytes(b"**COMPRESSED** **COMPRESSED** **COMPRESSED** **COMPRESSED** **COMPRESSED********")
    text = refused_here(path, tmp_path)
    assert "a SAS CPORT file under a name that ends in .xpt" in text
    assert "Ask for it as XPORT" in text
