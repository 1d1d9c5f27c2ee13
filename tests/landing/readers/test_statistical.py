"""SPSS, Stata and SAS: letters in their own cells, declared missing values as codes and told, dates and seconds."""

import struct
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pyreadstat
import pytest

from tests.landing.readers.here import read_here, refused_here
from tests.landing.readers.samples import sample
from tests.small_deliveries import CASES, delivery

TOWNS = ["Hà Nội", "Huế", "Đà Lạt"]
IN_CP1258 = [b"H\xe0 N\xf4\xf2i", b"Hu\xea\xec", b"\xd0\xe0 La\xf2t"]
"""The towns in the Vietnamese code page of Windows, which writes ộ as ô and a mark below."""

IN_CP1255 = [b"\xf9\xd8\xec\xe5\xed", b"\xf9\xc8\xd1", b"\xe0"]
HEBREW = [letters.decode("cp1255") for letters in IN_CP1255]
"""Hebrew with vowel points, which combine with the letter before them."""

WIDTH = 8


def with_letters(path: Path, letters: list[bytes]) -> Path:
    """Three records with these bytes as their texts, in a file whose library wrote ASCII."""
    places = [name * WIDTH for name in "ABC"]
    frame = pl.DataFrame({"town": places, "n": [1.0, 2.0, 3.0]})
    if path.suffix == ".dta":
        pyreadstat.write_dta(frame, str(path), version=13)
    else:
        pyreadstat.write_sav(frame, str(path))
    content = path.read_bytes()
    for place, text in zip(places, letters, strict=True):
        content = content.replace(place.encode(), text.ljust(WIDTH, b"\0" if path.suffix == ".dta" else b" "))
    path.write_bytes(content)
    return path


def naming(path: Path, encoding: bytes) -> Path:
    """An SPSS file that names another encoding than UTF-8."""
    content = path.read_bytes()
    named = b"\x07\0\0\0\x14\0\0\0\x01\0\0\0%b%b"
    utf8 = named % ((5).to_bytes(4, "little"), b"UTF-8")
    assert content.count(utf8) == 1
    path.write_bytes(content.replace(utf8, named % (len(encoding).to_bytes(4, "little"), encoding)))
    return path


@pytest.mark.parametrize("suffix", [".dta", ".sav"])
@pytest.mark.parametrize(("encoding", "letters", "texts"), [("cp1258", IN_CP1258, TOWNS), ("cp1255", IN_CP1255, HEBREW)])
def test_letters_stay_in_their_cells(tmp_path: Path, suffix: str, encoding: str, letters: list[bytes], texts: list[str]) -> None:
    path = with_letters(tmp_path / f"a{suffix}", letters)
    assert read_here(path, tmp_path, encoding=encoding).frame["town"].to_list() == texts
    text = refused_here(path, tmp_path)
    assert "encoding" in text
    assert "form: {encoding: cp1252}" in text


def test_letters_of_an_encoding_that_the_file_names_stay_in_their_cells(tmp_path: Path) -> None:
    path = naming(with_letters(tmp_path / "a.sav", IN_CP1258), b"windows-1258")
    assert read_here(path, tmp_path).frame["town"].to_list() == TOWNS


def test_a_text_that_ends_within_a_letter_is_a_fault_of_its_column_and_a_label_is_shortened(tmp_path: Path) -> None:
    """Fields and labels have a width in bytes, and converters drop what is left of a letter."""
    path = with_letters(tmp_path / "a.sav", [b"caf\xe9", "Köln".encode(), b"x"])
    delivered = read_here(path, tmp_path)
    assert delivered.column_faults == {"town": "1 texts that end within a letter: cut, or of another encoding than is said"}
    assert delivered.frame["n"].to_list() == [1.0, 2.0, 3.0]
    assert read_here(path, tmp_path, encoding="cp1252").frame["town"][0] == "café"
    pyreadstat.write_sav(pl.DataFrame({"n": [1.0]}), str(path), column_labels={"n": "AAAA"})
    path.write_bytes(path.read_bytes().replace(b"AAAA", b"AAA\xc5"))
    assert read_here(path, tmp_path).column_labels == {"n": "AAA"}


def test_a_byte_that_is_no_letter_is_a_fault_of_its_column_where_others_show_that_the_encoding_is_right(tmp_path: Path) -> None:
    letters = {"AAAAAAAA": "Köln".encode(), "CCCCCCCC": b"caf\xe9 au", "DDDDDDDD": b"a\xe9 b", "EEEEEEEE": b"u\xe9 cc"}
    path = tmp_path / "a.sav"
    frame = pl.DataFrame({"home": ["AAAAAAAA", "B"], "cafe": ["CCCCCCCC", "B"], "n": [1.0, 2.0]})
    labels: Any = {"home": {"DDDDDDDD": "x"}, "n": {1: "EEEEEEEE"}}
    pyreadstat.write_sav(frame, str(path), variable_value_labels=labels, missing_ranges={"home": ["DDDDDDDD"]})
    content = path.read_bytes()
    for place, text in letters.items():
        content = content.replace(place.encode(), text.ljust(WIDTH))
    path.write_bytes(content)
    delivered = read_here(path, tmp_path)
    assert delivered.column_faults == {"cafe": "1 texts that are not utf-8"}
    assert delivered.frame["home"].to_list() == ["Köln", "B"]
    assert delivered.value_labels == {"home": {"a\ufffd b": "x"}, "n": {"1": "u\ufffd cc"}}
    assert delivered.declared_missing == {"home": [("a\ufffd b", "a\ufffd b")]}
    path.write_bytes(content.replace("Köln ".encode(), b"Koeln "))
    assert "with text of another encoding than it says" in refused_here(path, tmp_path)


@pytest.mark.parametrize("version", [102, 112])
def test_a_version_of_stata_that_is_not_read_is_named(tmp_path: Path, version: int) -> None:
    path = tmp_path / "a.dta"
    path.write_bytes(bytes([version, 2, 1, 0]) + bytes(200))
    assert "a Stata file of a version that is not read. Ask for it in a newer version" in refused_here(path, tmp_path)


def test_a_stata_file_that_is_cut_behind_its_records_is_refused(tmp_path: Path) -> None:
    path = sample(tmp_path, ".dta")
    content = path.read_bytes()
    path.write_bytes(content + bytes(100))
    assert read_here(path, tmp_path).value_labels == {"SEX": {"1": "man", "2": "woman"}}
    path.write_bytes(content[: -len("</stata_dta>")])
    assert "a cut Stata file (its end mark is missing)" in refused_here(path, tmp_path)


@pytest.mark.parametrize("version", [13, 14, 15])
def test_a_long_text_that_a_stata_file_does_not_hold_is_a_fault_of_its_column(tmp_path: Path, version: int) -> None:
    """haven 2.5 writes references of version 119 as those of 118; readers show the texts as empty ones."""
    path = tmp_path / "a.dta"
    texts = ["x" * 3000, "y", ""]
    pyreadstat.write_dta(pl.DataFrame({"n": [1.5, 2.5, 3.5], "text": texts}), str(path), version=version)
    delivered = read_here(path, tmp_path)
    assert delivered.frame["text"].to_list() == texts
    assert not delivered.column_faults
    content = path.read_bytes()
    first = struct.pack("<d", 1.5)
    start = content.index(first, content.index(b"<data>")) + len(first)
    path.write_bytes(content[:start] + struct.pack("<HHL", 2, 7, 0) + content[start + 8 :])
    assert read_here(path, tmp_path).column_faults == {"text": "1 long texts that the file does not hold"}


def test_plain_letters_under_a_combining_encoding_stay_in_their_cells(tmp_path: Path) -> None:
    frame = read_here(CASES / "dta_cp1258.dta", tmp_path, encoding="cp1258").frame
    assert frame.columns == ["tinh", "q"]
    assert frame["tinh"].to_list() == ["Hanoi", "Hue", "Dalat"]


def test_an_spss_file_that_names_no_encoding_is_not_guessed_at(tmp_path: Path) -> None:
    path = with_letters(tmp_path / "a.sav", [b"caf\xe9", b"na\xefve", b"x"])
    content = path.read_bytes()
    named = b"\x07\0\0\0\x14\0\0\0\x01\0\0\0\x05\0\0\0UTF-8"
    start = content.index(b"\x07\0\0\0\x03\0\0\0\x04\0\0\0\x08\0\0\0") + 16 + 28
    content = content[:start] + (2).to_bytes(4, "little") + content[start + 4 :]  # 7-bit ASCII
    path.write_bytes(content.replace(named, b""))
    assert "does not name its encoding, with text that is not UTF-8" in refused_here(path, tmp_path)
    assert read_here(path, tmp_path, encoding="cp1252").frame["town"].to_list() == ["café", "naïve", "x"]


def test_old_stata_texts_in_utf8_are_read_as_utf8(tmp_path: Path) -> None:
    path = with_letters(tmp_path / "a.dta", ["café".encode(), b"x", b"y"])
    assert read_here(path, tmp_path).frame["town"].to_list() == ["café", "x", "y"]


@pytest.mark.parametrize("encoding", ["utf-8", "cp1252"])
def test_letters_that_a_portable_file_loses_are_refused(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "a.por"
    path.write_bytes((CASES / "por_declared_missing.por").read_bytes().replace(b"8/yes ", b"8/y\xe9s "))
    assert "letters beyond those of ASCII" in refused_here(path, tmp_path, encoding=encoding)


def test_codes_that_a_portable_file_declares_missing_are_kept_and_told(tmp_path: Path) -> None:
    delivered = read_here(CASES / "por_declared_missing.por", tmp_path)
    assert delivered.frame["Q"].to_list() == [1, 9, 8, 2]
    assert delivered.frame["S"].to_list() == ["yes", "NA", "no", "yes"]
    assert delivered.frame["AGE"].to_list() == [44, 999, 51, 998]
    assert {name: [list(part) for part in parts] for name, parts in delivered.declared_missing.items()} == {
        "Q": [["8", "8"], ["9", "9"]],
        "S": [["NA", "NA"]],
    }


def told(tmp_path: Path, path: Path) -> dict[str, Any]:
    return {name: [tuple(part) for part in parts] for name, parts in read_here(path, tmp_path).declared_missing.items()}


def test_ranges_that_spss_declares_missing_are_told(tmp_path: Path) -> None:
    path = tmp_path / "a.sav"
    frame = pl.DataFrame({"a": [1.0, -9.0], "b": [1.0, 98.0], "c": ["x", "NA"], "d": [13_166_064_000.0, 0.0], "e": [1.5, 2.5]})
    missing: Any = {
        "a": [{"lo": float("-inf"), "hi": -1}, 5],
        "b": [{"lo": 97, "hi": float("inf")}],
        "c": ["NA", "REF"],
        "d": [13_166_064_000],
    }
    pyreadstat.write_sav(frame, str(path), missing_ranges=missing, variable_format={"d": "DATE11"})
    assert told(tmp_path, path) == {
        "a": [("LOWEST", "-1"), ("5", "5")],
        "b": [("97", "HIGHEST")],
        "c": [("NA", "NA"), ("REF", "REF")],
        "d": [("2000-01-01", "2000-01-01")],
    }


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("sav_declared_missing_code.sav", {"q": [("8", "8"), ("9", "9")]}),
        ("sav_declared_missing_unlabelled.sav", {"age": [("998", "999")]}),
    ],
)
def test_what_spss_declares_missing_is_told(tmp_path: Path, name: str, expected: dict[str, Any]) -> None:
    assert told(tmp_path, CASES / name) == expected


def test_extended_missing_values_are_told_and_dates_beside_them_decoded(tmp_path: Path) -> None:
    path = tmp_path / "a.dta"
    columns = {"cramps": [1, 2, "r", None], "month": [779, 0, "d", None], "at": [3_600_000, "z", 0, None]}
    frame = pl.DataFrame({name: pl.Series(values, dtype=pl.Object) for name, values in columns.items()}).to_pandas()
    missing: Any = {"cramps": ["r"], "month": ["d"], "at": ["z"]}
    pyreadstat.write_dta(frame, str(path), missing_user_values=missing, variable_format={"month": "%tm", "at": "%tcHH:MM"})
    delivered = read_here(path, tmp_path)
    assert delivered.frame["month"].to_list() == ["2024-12-01", "1960-01-01", ".d", None]
    assert delivered.frame["at"].to_list() == ["3600", ".z", "0", None]
    assert told(tmp_path, path) == {"cramps": [(".r", ".r")], "month": [(".d", ".d")], "at": [(".z", ".z")]}
    assert delivered.column_units == {"at": "seconds"}


def test_times_and_dates_of_spss_come_beside_each_other(tmp_path: Path) -> None:
    path = tmp_path / "a.sav"
    frame = pl.DataFrame({"on": [13_166_064_000.0, None], "at": [37_800.5, 1.0], "for": [100_000.0, -5.0], "far": [1e18, 0.0]})
    pyreadstat.write_sav(frame, str(path), variable_format={"on": "DATE11", "at": "TIME8", "for": "DTIME11", "far": "DATE11"})
    delivered = read_here(path, tmp_path)
    assert delivered.frame["on"].to_list() == [date(2000, 1, 1), None]
    assert delivered.frame["at"].to_list() == [37_800.5, 1.0]
    assert delivered.frame["for"].to_list() == [100_000.0, -5.0]
    assert delivered.column_units == {"at": "seconds", "for": "seconds"}
    assert delivered.column_faults == {"far": "1 dates before the year 1 or after 9999"}


def test_a_transport_file_decodes_its_dates(tmp_path: Path) -> None:
    frame = read_here(delivery("xpt_dtdate.xpt", tmp_path), tmp_path).frame
    assert frame["VISIT"].to_list() == [date(1982, 1, 1), date(2024, 1, 1)]


def test_zeros_at_the_end_of_a_file_of_unknown_length_are_refused(tmp_path: Path) -> None:
    """An SPSS file may leave its number of records open; then what pads it reads as records."""
    path = tmp_path / "a.sav"
    pyreadstat.write_sav(pl.DataFrame({"a": [1.0, 2.0], "b": [3.0, 4.0]}), str(path), row_compress=False)
    content = bytearray(path.read_bytes())
    content[80:84] = (-1).to_bytes(4, "little", signed=True)
    path.write_bytes(bytes(content))
    assert read_here(path, tmp_path).frame.height == 2
    path.write_bytes(bytes(content) + bytes(32))
    assert "ends in zeros, which may be padding" in refused_here(path, tmp_path)
    assert read_here(path, tmp_path, 4).frame.height == 4


@pytest.mark.parametrize(("suffix", "other"), [(".dta", ".sav"), (".sav", ".dta"), (".por", ".xpt"), (".sas7bdat", ".parquet")])
def test_a_file_of_another_kind_is_named(tmp_path: Path, suffix: str, other: str) -> None:
    path = sample(tmp_path, other).rename(tmp_path / f"a{suffix}")
    text = refused_here(path, tmp_path)
    assert f"under a name that ends in {suffix}" in text
    assert f"Name it {other}" in text


@pytest.mark.parametrize(
    ("start", "words"),
    [
        (b"\x1c\0\0\0\0\0\0\0ENCRYPTEDSAV\x15" + bytes(100), "an SPSS file with a password"),
        (b"SR\x00\x04" + bytes(100), "a SAVE file of IDL"),
        (b"id,age\n1,44\n", "text under a name that ends in .sav (a damaged SPSS file, or none)"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n", "a pointer of Git LFS"),
    ],
)
def test_what_is_called_sav_and_is_no_spss_file_is_named(tmp_path: Path, start: bytes, words: str) -> None:
    path = tmp_path / "a.sav"
    path.write_bytes(start)
    assert words in refused_here(path, tmp_path)
