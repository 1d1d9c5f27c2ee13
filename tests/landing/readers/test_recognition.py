"""A file whose content is of another kind than its name is told what it is, under every name that is read."""

import bz2
import gzip
import zipfile
from pathlib import Path

import pytest

from pipelines.landing.readers.delivered import Refused
from pipelines.landing.readers.formats import READERS
from tests.landing.readers.here import read_here
from tests.landing.readers.samples import zipped
from tests.small_deliveries import CASES


def refusal(path: Path, folder: Path) -> Refused:
    work = folder / "work"
    work.mkdir(exist_ok=True)
    with pytest.raises(Refused) as raised:
        read_here(path, work)
    return raised.value


FOREIGN = [
    (gzip.compress(b"id\n1\n", mtime=0), "a gzip file"),
    (bz2.compress(b"id\n1\n"), "a bzip2 file"),
    (b"\xfd7zXZ\x00\x00", "an xz file"),
    (b"\x28\xb5\x2f\xfd\x24", "a Zstandard file"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(504), "an old Office file (.xls) or a workbook with a password"),
    (b"ARROW1\x00\x00", "an Arrow file"),
    (b"ORC\x0a\x03\x00\x01\x02", "an ORC file"),
    (b"FEA1\x00\x00\x00\x00", "a Feather file"),
    (b"RDX3\nX\n\x00", "an R file"),
    (b"%PDF-1.7\n", "a PDF document"),
    (b"\n <!DOCTYPE html><html>", "a web page"),
    (b"<table><tr><td>id</td></tr></table>", "a web page"),
    (b"\xef\xbb\xbf<?xml version='1.0'?><Workbook>", "an XML file"),
    (b'[{"id": 1}, {"id": 2}]', "a JSON file"),
    (b'{\n  "records": []\n}', "a JSON file"),
    (b"SQLite format 3\x00", "an SQLite database"),
    (b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 3\n", "a pointer of Git LFS"),
    (b"-----BEGIN PGP MESSAGE-----\n\nhQ\n", "an encrypted file"),
    (b"age-encryption.org/v1\n-> X25519 a\n", "an encrypted file"),
    (b"a.csv" + bytes(252) + b"ustar\x0000", "a tar archive"),
]


@pytest.mark.parametrize("suffix", sorted(READERS))
@pytest.mark.parametrize(("content", "kind"), FOREIGN)
def test_another_kind_is_told_under_every_name(tmp_path: Path, suffix: str, content: bytes, kind: str) -> None:
    path = tmp_path / f"delivery{suffix}"
    path.write_bytes(content)
    refused = refusal(path, tmp_path)
    assert refused.found.startswith(kind)
    assert f"under a name that ends in {suffix}" in refused.found
    assert len(refused.remedy) > 5


def test_a_text_document_is_no_workbook_and_a_file_of_r_no_packed_text(tmp_path: Path) -> None:
    parts = {"[Content_Types].xml": b"<Types/>", "word/document.xml": b"<document/>"}
    for name in ("delivery.csv", "delivery.xlsx"):
        found = refusal(zipped(tmp_path / name, parts), tmp_path).found
        assert found.startswith("a document or presentation of an Office program under a name")
    path = tmp_path / "delivery.sav"
    path.write_bytes(gzip.compress(b"RDX3\nX\n\x00\x00\x00\x03", mtime=0))
    assert refusal(path, tmp_path).found == "an R file (.rds, .RData) under a name that ends in .sav"


@pytest.mark.parametrize("suffix", sorted({*READERS, ".gz", ".xz", ".bz2", ".zip"} - {".csv", ".tsv", ".por"}))
def test_text_is_told_under_every_other_name(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"delivery.csv{suffix}"
    path.write_bytes("id,größe\n1,170\n".encode())
    assert refusal(path, tmp_path).found.startswith(f"text under a name that ends in {suffix}")


@pytest.mark.parametrize("header", ["RDX3,b", "{x},y", "<5,>5", "ORCHARD,x", "[id],x", "BZh,x", "PK,SK"])
def test_a_header_of_text_that_begins_alike_is_text(tmp_path: Path, header: str) -> None:
    path = tmp_path / "delivery.csv"
    path.write_text(f"{header}\n1,2\n")
    assert read_here(path, tmp_path).frame.rows() == [("1", "2")]


def test_what_is_packed_twice_is_told(tmp_path: Path) -> None:
    path = tmp_path / "delivery.csv.gz"
    path.write_bytes(gzip.compress(gzip.compress(b"id\n1\n")))
    refused = refusal(path, tmp_path)
    assert refused.found == "a gzip file under a name that ends in .csv, packed"
    assert refused.remedy == "Pack it once, under the name of what it is"


def test_a_workbook_named_zip_is_told(tmp_path: Path) -> None:
    path = zipped(tmp_path / "delivery.zip", {"[Content_Types].xml": b"<x/>", "xl/workbook.xml": b"<x/>"})
    assert refusal(path, tmp_path).found == "an Office file under the name *.zip"


@pytest.mark.parametrize(("method", "name"), [(9, "Deflate64"), (93, "Zstandard"), (98, "PPMd"), (42, "number 42")])
@pytest.mark.parametrize("suffix", [".zip", ".xlsx"])
def test_a_method_of_packing_that_is_not_read_is_named(tmp_path: Path, method: int, name: str, suffix: str) -> None:
    path = tmp_path / f"delivery{suffix}"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("delivery.csv", b"id\n1\n")
    content = bytearray(path.read_bytes())
    for at in (8, content.rindex(b"PK\x01\x02") + 10):  # the method in the local header and in the directory
        content[at : at + 2] = method.to_bytes(2, "little")
    path.write_bytes(content)
    refused = refusal(path, tmp_path)
    assert f"packed with the method {name}" in refused.found
    assert "Pack it again with Deflate" in refused.remedy


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("wrong_csv_as.parquet", "text under a name that ends in .parquet"),
        ("wrong_csv_as.xlsx", "text under a name that ends in .xlsx"),
        ("wrong_html_as.csv", "a web page under a name that ends in .csv"),
        ("wrong_html_as.xlsx", "a web page under a name that ends in .xlsx"),
        ("wrong_lfs_pointer.csv", "a pointer of Git LFS in place of the file"),
        ("wrong_sav_as.dta", "an SPSS file (.sav) under a name that ends in .dta"),
        ("wrong_xlsx_as.csv", "an Excel workbook (.xlsx) under a name that ends in .csv"),
        ("gz_named_csv.csv", "a gzip file under a name that ends in .csv"),
        ("zip_deflate64.zip", "packed with the method Deflate64"),
        ("csv_comment.csv", "a comment in the first line"),
        ("csv_sep_line.csv", "Excel's `sep=` hint"),
        ("csv_trailing_sep.csv", "a first line that ends with a separator"),
    ],
)
def test_small_deliveries_are_told_what_they_are(tmp_path: Path, name: str, found: str) -> None:
    assert found in refusal(CASES / name, tmp_path).found
