"""A file is known by its first bytes, and no text that a survey may begin with is taken for something else."""

from pathlib import Path

import pytest

from pipelines.landing.readers import magic
from pipelines.landing.readers.magic import HEAD_BYTES, kind_of, remedy_for
from tests.landing.readers.samples import packed, sample
from tests.small_deliveries import CASES

KINDS = {
    ".sav": magic.SPSS,
    ".zsav": magic.SPSS_ZLIB,
    ".por": magic.SPSS_PORTABLE,
    ".dta": magic.STATA,
    ".xpt": magic.SAS_TRANSPORT,
    ".sas7bdat": magic.SAS_DATA,
    ".parquet": magic.PARQUET,
    ".xlsx": magic.WORKBOOK_XML,
    ".csv": None,
    ".tsv": None,
}


@pytest.mark.parametrize("suffix", KINDS)
def test_what_the_libraries_write_is_known(tmp_path: Path, suffix: str) -> None:
    assert kind_of(sample(tmp_path, suffix).read_bytes()[:HEAD_BYTES]) == KINDS[suffix]


@pytest.mark.parametrize(
    ("packing", "kind"), [(".gz", magic.GZIP), (".bz2", magic.BZIP2), (".xz", magic.XZ), (".zip", magic.ZIP)]
)
def test_what_is_packed_is_known(tmp_path: Path, packing: str, kind: str) -> None:
    assert kind_of(packed(sample(tmp_path, ".csv"), packing).read_bytes()[:HEAD_BYTES]) == kind


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("wrong_html_as.csv", magic.WEB_PAGE),
        ("wrong_lfs_pointer.csv", magic.LFS_POINTER),
        ("wrong_sav_as.dta", magic.SPSS),
        ("wrong_xlsx_as.csv", magic.WORKBOOK_XML),
        ("gz_named_csv.csv", magic.GZIP),
        ("wrong_csv_as.parquet", None),
        ("dta_cp1258.dta", magic.STATA),
        ("por_declared_missing.por", magic.SPSS_PORTABLE),
    ],
)
def test_files_under_another_name_are_known(name: str, kind: str | None) -> None:
    assert kind_of((CASES / name).read_bytes()[:HEAD_BYTES]) == kind


@pytest.mark.parametrize(
    ("head", "kind"),
    [
        (b"\x1c\x00\x00\x00\x00\x00\x00\x00ENCRYPTEDSAV\x15" + bytes(15), magic.SPSS_ENCRYPTED),
        (b"SR\x00\x04\x00\x00\x00\x0a", magic.IDL),
        (b"**COMPRESSED** **COMPRESSED** **COMPRESSED** **COMPRESSED** **COMPRESSED********", magic.SAS_CPORT),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(24), magic.OLD_OFFICE),
        (b"PARE\x15\x00", magic.ENCRYPTED_PARQUET),
        (b"\xef\xbb\xbf \n<HTML><body>", magic.WEB_PAGE),
        (bytes([114, 2, 1, 0]) + bytes(20), magic.STATA),
        (b"\x28\xb5\x2f\xfd" + bytes(4), magic.ZSTD),
        (b"PARE*\x00\x00\x00xF8\xd0", magic.ENCRYPTED_PARQUET),
        (b"PAR1*\x00\x00\x00\xfcK\x8f\t", magic.ENCRYPTED_PARQUET),
        (b"\xff\xff\xff\xff\xa8\x00\x00\x00\x10\x00\x00\x00", magic.ARROW),
        (b"X\n\x00\x00\x00\x03\x00\x04", magic.R_DATA),
        (b"RDA3\nA\n3\n262658\n", magic.R_DATA),
        (b"<Error><Code>NoSuchKey</Code></Error>", magic.XML),
        (b"<div>Please log in</div>", magic.XML),
        (b"ID;PWXL;N;E\r\n", magic.SYLK),
        (b"\x89PNG\r\n\x1a\n\x00", magic.PICTURE),
        (b"PK\x03\x04" + bytes(26) + b"mimetypeapplication/vnd.oasis.opendocument.text", magic.OTHER_DOCUMENT),
        (b"PK\x03\x04" + bytes(26) + b"mimetypeapplication/vnd.oasis.opendocument.spreadsheet", magic.OPEN_DOCUMENT),
    ],
)
def test_other_kinds_are_known_by_their_first_bytes(head: bytes, kind: str) -> None:
    assert kind_of(head) == kind
    assert remedy_for(kind)


@pytest.mark.parametrize(
    "header",
    [
        b"PAR1,PAR2\n",
        b"PARENT;AGE\n",
        b"ORC,x\n",
        b"BZh1,x\n",
        b"id,<html>\n",
        b"RDX2\n1\n",
        b"SR,x\n",
        b"",
        b"ID;PLZ;Ort\n",
        b"<5,>5\n1,2\n",
        b"X\n0\n",
    ],
)
def test_names_of_columns_are_no_kind(header: bytes) -> None:
    assert kind_of(header) is None
