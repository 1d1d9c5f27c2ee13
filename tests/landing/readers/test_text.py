"""Text of separated fields is read as it is declared, or the error says what it looks like and what to declare."""

from pathlib import Path

import polars as pl
import pytest

from tests.landing.readers.conftest import Read, Refusal
from tests.landing.readers.samples import MARKER


def text_file(folder: Path, content: bytes, name: str = "delivery.csv") -> Path:
    path = folder / name
    path.write_bytes(content.replace(b"%s", MARKER.encode()))
    return path


def test_a_text_file_is_text_with_null_for_empty_fields(landing: Path, read: Read) -> None:
    frame = read(text_file(landing, b'id,note\r\n007,"said ""no"",\nthen left"\r\n8,\r\n9,""\r\n')).frame
    assert frame.schema == {"id": pl.String, "note": pl.String}
    assert frame.rows() == [("007", 'said "no",\nthen left'), ("8", None), ("9", None)]


@pytest.mark.parametrize(
    ("content", "name", "form"),
    [
        (b"id,note\n1,caf\xc3\xa9\n", "delivery.csv", {}),
        (b"\xef\xbb\xbfid,note\n1,caf\xc3\xa9\n", "delivery.csv", {}),
        (b"\xef\xbb\xbfid,note\n1,caf\xc3\xa9\n", "delivery.csv", {"encoding": "cp1252"}),
        ("id,note\n1,café\n".encode("utf-16"), "delivery.csv", {}),
        ("\ufeffid,note\n1,café\n".encode("utf-16-be"), "delivery.csv", {}),
        (b"id,note\r\n1,caf\xe9\r\n", "delivery.csv", {"encoding": "cp1252"}),
        ("id,note\n1,café\n".encode("utf-16-le"), "delivery.csv", {"encoding": "utf-16-le"}),
        (b"id,note\n1,caf\x82\n", "delivery.csv", {"encoding": "cp850"}),
        (b"id;note\n1;caf\xc3\xa9\n", "delivery.csv", {"separator": ";"}),
        (b"id|note\n1|caf\xc3\xa9\n", "DELIVERY.CSV", {"separator": "|"}),
        (b"id\tnote\n1\tcaf\xc3\xa9\n", "delivery.tsv", {}),
        (b"id,note\n1,caf\xc3\xa9\n", "delivery.tsv", {"separator": ","}),
    ],
)
def test_a_file_is_read_in_its_declared_form(landing: Path, read: Read, content: bytes, name: str, form: dict[str, str]) -> None:
    assert read(text_file(landing, content, name), **form).frame.to_dicts() == [{"id": "1", "note": "café"}]


@pytest.mark.parametrize("header", [b"id,note", b"id,note\n", b"id,note\r\n"])
def test_a_header_alone_is_a_frame_without_rows(landing: Path, read: Read, header: bytes) -> None:
    assert read(text_file(landing, header)).frame.shape == (0, 2)


def test_a_column_that_is_delivered_twice_is_kept_twice(landing: Path, read: Read) -> None:
    frame = read(text_file(landing, b"id,ID,id,id\n1,2,3,4\n")).frame
    assert frame.columns == ["id", "ID", "id_duplicated_0", "id_duplicated_1"]
    assert frame.row(0) == ("1", "2", "3", "4")


def test_what_looks_like_a_formula_is_text(landing: Path, read: Read) -> None:
    assert read(text_file(landing, b"id,note\n=1+1,@SUM(A1)\n")).frame.row(0) == ("=1+1", "@SUM(A1)")


def test_one_column_needs_no_separator(landing: Path, read: Read) -> None:
    assert read(text_file(landing, b"id\n1\n2\n")).frame["id"].to_list() == ["1", "2"]


FAULTS = [
    (b"id,note\n1,a\n2\n", "in line 3 with 1 fields where the header has 2"),
    (b"id,note\n1,a,%s\n", "in line 2 with 3 fields where the header has 2"),
    (b'id,note\n1,"%s\n2,b\n', "with a quote that is never closed"),
    (b"id,note\n1,\xe9 %s\n", "in line 2 that is not UTF-8 at"),
    (b"id,note\n1,\xe9 %s\n", "another form: declare `form: {encoding: cp1252}`"),
    (b"id;note\n1;%s\n", 'declare `form: {separator: ";"}`'),
    (b"id\tnote\n1\t%s\n", 'declare `form: {separator: "\\t"}`'),
    (b"id;n\xf6te\n1;3,5\n2;%s\n", 'declare `form: {encoding: cp1252, separator: ";", decimal: ","}`'),
    (b"\nid,note\n1,%s\n", "without a header line"),
    (b"i\x00d\x00,\x001\x00\n\x001\x00,\x00%s\x00", "with NUL characters in line 1"),
    (b"id,note\n1,%s\n2,\x00\n", "with NUL characters in line 3"),
    (b"id,note\r\n1,%s\n2,b\r\n", "mixed line ends"),
    (b"id,note\n1,%s\r\n2,b\n", "mixed line ends"),
    (b"id\n1\r\n2\n", "mixed line ends"),
    (b"id\n1\r2\n", "mixed line ends"),
    (b'"id,note\n1,%s\n', "whose quotes do not match"),
    (b"id,note\n1,\x81\x8d %s\n", "in line 2 that is not UTF-8 at"),
    (b"\n\nid,note\n1,%s\n", "its first line is blank"),
    (b"%s\nid,note\n1,a\n", "If the first line is a title, remove it"),
    (b"id,note\n1,a,%s\n", "Put quotes around fields that hold a separator (,)"),
    (b"id,note\n1,%s\n\nSource\n", "remove what is no record (notes, totals, sources)"),
    (b"id\n%s\n\x1a\n", "ends with the end mark of DOS (Ctrl+Z), which is no record"),
    (b"id\r\n%s\r\n\x1a\r\n\r\n", "ends with the end mark of DOS (Ctrl+Z), which is no record"),
    (b"id\n%s\n\x1a", "ends with the end mark of DOS (Ctrl+Z), which is no record"),
    (b"id,note\n1,\x1b$BEl5~\x1b(B%s\n", "escape sequences, as encodings such as iso2022_jp have"),
]


@pytest.mark.parametrize(("content", "expected"), FAULTS, ids=[text for _, text in FAULTS])
def test_a_faulty_file_is_refused(landing: Path, refusal: Refusal, content: bytes, expected: str) -> None:
    assert expected in refusal(text_file(landing, content))


def test_the_advised_form_reads_the_file(landing: Path, read: Read, refusal: Refusal) -> None:
    path = text_file(landing, b"id;n\xf6te\n1;3,5\n2;%s\n")
    assert '{encoding: cp1252, separator: ";", decimal: ","}' in refusal(path)
    assert read(path, encoding="cp1252", separator=";", decimal=",").frame.columns == ["id", "nöte"]


def test_a_form_that_says_what_holds_anyway_is_not_to_blame(landing: Path, refusal: Refusal) -> None:
    path = text_file(landing, b"id,note\n1,a,%s\n")
    assert "Put quotes around fields that hold a separator (,)" in refusal(path, separator=",", missing="NA")


def test_text_of_another_encoding_than_declared_is_refused(landing: Path, refusal: Refusal) -> None:
    path = text_file(landing, b"id,note\n1,a\n2,\x81%s\n")
    assert "text that is not cp1252" in refusal(path, encoding="cp1252")
    path = text_file(landing, b"id,note\n1,caf\xc3\xa9 %s\n")
    text = refusal(path, encoding="ascii")
    assert "text that is not ascii (after line 1)" in text
    assert "It looks like UTF-8 with the usual separator: if that is right, take `form` out" in text


@pytest.mark.parametrize("chunked", [False, True], ids=["in one piece", "over chunks"])
def test_a_line_of_the_limit_is_read_and_one_byte_more_is_refused(
    landing: Path, read: Read, refusal: Refusal, chunked: bool
) -> None:
    limit = 3 * 2**20 if chunked else 200
    limits = {"reader_line_limit": limit}
    exact = b"x" * (limit - 2)
    path = text_file(landing, b"id,note\n1," + exact + b"\n2,b\n")
    assert read(path, limits).frame["note"].to_list() == [exact.decode(), "b"]
    path = text_file(landing, b"id,note\n1,x" + exact + b"\n2,b\n")
    assert f"more than {limit:,} bytes in line 2" in refusal(path, limits)


def test_a_record_of_several_lines_is_no_way_around_the_limit(landing: Path, refusal: Refusal) -> None:
    path = text_file(landing, b'id,note\n1,"' + b"x" * 80 + b"\n" + b"y" * 80 + b'"\n')
    assert "more than 100 bytes" in refusal(path, {"reader_line_limit": 100})


def test_an_old_line_end_is_read(landing: Path, read: Read) -> None:
    assert read(text_file(landing, b"id,note\r1,a\r2,b\r")).frame.rows() == [("1", "a"), ("2", "b")]


def test_letters_of_a_combining_encoding_are_put_together(landing: Path, read: Read) -> None:
    path = text_file(landing, b"id,city\n1,H\xf4\xf2\n")
    assert read(path, encoding="cp1258").frame["city"].to_list() == ["Hộ"]
