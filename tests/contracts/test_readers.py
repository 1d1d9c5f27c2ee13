"""A file is read whole or refused with the reason; no refusal shows what is in it."""

from pathlib import Path

import polars as pl
import pytest

from pipelines.readers import DeliveryUnreadable, read_delivery

MARKER = "Marigold-86753"


def refusal(path: Path) -> str:
    with pytest.raises(DeliveryUnreadable) as raised:
        read_delivery(path)
    text = str(raised.value)
    assert path.name in text
    assert MARKER not in text
    assert raised.value.__cause__ is None
    return text


def csv_file(folder: Path, content: bytes) -> Path:
    path = folder / "delivery.csv"
    path.write_bytes(content)
    return path


def test_a_csv_file_is_text_with_null_for_empty_fields(tmp_path: Path) -> None:
    frame = read_delivery(csv_file(tmp_path, b'id,note\r\n007,"said ""no"",\nthen left"\r\n8,\r\n9,""\r\n'))
    assert frame.schema == {"id": pl.String, "note": pl.String}
    assert frame.rows() == [("007", 'said "no",\nthen left'), ("8", None), ("9", None)]


def test_a_byte_order_mark_is_tolerated(tmp_path: Path) -> None:
    assert read_delivery(csv_file(tmp_path, b"\xef\xbb\xbfid,note\n1,a\n")).columns == ["id", "note"]


def test_a_header_alone_is_a_frame_without_rows(tmp_path: Path) -> None:
    assert read_delivery(csv_file(tmp_path, b"id,note\n")).shape == (0, 2)


def test_a_column_that_is_delivered_twice_is_kept_twice(tmp_path: Path) -> None:
    frame = read_delivery(csv_file(tmp_path, b"id,ID,id,id\n1,2,3,4\n"))
    assert frame.columns == ["id", "ID", "id_duplicated_0", "id_duplicated_1"]
    assert frame.row(0) == ("1", "2", "3", "4")


FAULTS = [
    (b"id,note\n1,a\n2\n", "in line 3 with 1 fields where the header has 2"),
    (b"id,note\n1,a,%s\n", "in line 2 with 3 fields where the header has 2"),
    (b'id,note\n1,"%s\n2,b\n', "with a quote that is never closed"),
    (b"id,note\n1,\xe9 %s\n", "in line 2 that is not UTF-8"),
    (b"id;note\n1;%s\n", "another separator than a comma"),
    (b"\nid,note\n1,%s\n", "without a header line"),
    (b"\xff\xfei\x00d\x00", "whose first line cannot be read"),
]


@pytest.mark.parametrize(("content", "expected"), FAULTS, ids=[text for _, text in FAULTS])
def test_a_faulty_csv_file_is_refused(tmp_path: Path, content: bytes, expected: str) -> None:
    assert expected in refusal(csv_file(tmp_path, content.replace(b"%s", MARKER.encode())))


def test_a_parquet_file_keeps_its_types(tmp_path: Path) -> None:
    frame = pl.DataFrame({"id": [1, None], "is_case": [True, None]})
    frame.write_parquet(tmp_path / "delivery.parquet")
    assert read_delivery(tmp_path / "delivery.parquet").equals(frame)


def test_a_cut_parquet_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "delivery.parquet"
    pl.DataFrame({"note": [MARKER] * 1000}).write_parquet(path)
    path.write_bytes(path.read_bytes()[:-20])
    assert "a cut or damaged Parquet file" in refusal(path)


@pytest.mark.parametrize("name", ["delivery.csv", "delivery.xpt", "delivery.parquet", "DELIVERY.XPT"])
def test_an_empty_file_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / name).touch()
    assert "an empty file" in refusal(tmp_path / name)


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    assert "found no file" in refusal(tmp_path / "delivery.csv")
    (tmp_path / "folder.csv").mkdir()
    assert "found no file" in refusal(tmp_path / "folder.csv")


def test_an_unknown_extension_is_refused(tmp_path: Path) -> None:
    (tmp_path / "delivery.sav").write_bytes(b"x")
    assert "Deliver one of .csv, .parquet, .xpt" in refusal(tmp_path / "delivery.sav")


def xpt_file(folder: Path) -> Path:
    """A SAS transport file of 40 records, written by another program than the one that reads it."""
    pyreadstat = pytest.importorskip("pyreadstat")
    path = folder / "delivery.xpt"
    frame = pl.DataFrame({"SEQN": [float(n) for n in range(40)], "NOTE": [MARKER, ""] * 20})
    pyreadstat.write_xport(frame, str(path), file_format_version=5)
    return path


def test_a_transport_file_is_read_with_its_zeros_and_blanks(tmp_path: Path) -> None:
    frame = read_delivery(xpt_file(tmp_path))
    assert frame.schema == {"SEQN": pl.Float64, "NOTE": pl.String}
    assert frame["SEQN"].to_list() == [float(n) for n in range(40)]
    assert frame["NOTE"].to_list()[:2] == [MARKER, ""]


def test_a_transport_file_cut_inside_a_record_is_refused(tmp_path: Path) -> None:
    path = xpt_file(tmp_path)
    path.write_bytes(path.read_bytes()[:-30])
    assert "its last record has 50 of 80 bytes" in refusal(path)


@pytest.mark.parametrize("kept", [80, 240, 400, 560])
def test_a_transport_file_cut_in_its_header_is_refused(tmp_path: Path, kept: int) -> None:
    path = xpt_file(tmp_path)
    path.write_bytes(path.read_bytes()[:kept])
    assert "a damaged SAS transport file" in refusal(path)


def test_a_transport_file_cut_between_records_is_read_short(tmp_path: Path) -> None:
    """It cannot be told from a whole one: the number of rows must be compared with the source's."""
    path = xpt_file(tmp_path)
    path.write_bytes(path.read_bytes()[:-160])
    assert 0 < read_delivery(path).height < 40


@pytest.mark.parametrize(
    ("content", "expected"),
    [(b"<!DOCTYPE html><html>not found</html>", "a web page"), (b"SEQN,NOTE\n1,a\n", "no SAS transport file")],
)
def test_another_file_under_the_name_of_a_transport_file_is_refused(tmp_path: Path, content: bytes, expected: str) -> None:
    path = tmp_path / "delivery.xpt"
    path.write_bytes(content)
    assert expected in refusal(path)
