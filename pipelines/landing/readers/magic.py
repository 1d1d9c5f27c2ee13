"""What a file is by its first bytes, whatever it is called. Only kinds that no text of a survey begins with are known here."""

import re
from collections.abc import Mapping

HEAD_BYTES = 512
"""How much of the beginning of a file is enough to tell."""

ZIP = "a ZIP archive"
WORKBOOK_XML = "an Excel workbook (.xlsx)"
OPEN_DOCUMENT = "an OpenDocument workbook (.ods)"
OTHER_DOCUMENT = "a document or presentation of an Office program"
OLD_OFFICE = "an old Office file (.xls) or a workbook with a password"
GZIP, BZIP2, XZ, ZSTD = "a gzip file", "a bzip2 file", "an xz file", "a Zstandard file"
SEVEN_ZIP, RAR = "a 7z archive", "a RAR archive"
PARQUET = "a Parquet file"
ENCRYPTED_PARQUET = "an encrypted Parquet file"
ARROW, AVRO = "an Arrow file", "an Avro file"
SPSS, SPSS_ZLIB = "an SPSS file (.sav)", "a compressed SPSS file (.zsav)"
SPSS_ENCRYPTED = "an SPSS file with a password"
SPSS_PORTABLE = "an SPSS portable file (.por)"
STATA = "a Stata file (.dta)"
SAS_TRANSPORT = "a SAS transport file (.xpt)"
SAS_CPORT = "a SAS CPORT file"
SAS_DATA, SAS_CATALOGUE = "a SAS data set (.sas7bdat)", "a SAS catalogue (.sas7bcat)"
R_DATA = "an R file (.rds, .RData)"
JMP = "a JMP file"
SYLK = "a SYLK file of a spreadsheet"
PICTURE = "a picture"
IDL = "a SAVE file of IDL (which is no SPSS file, though it is called .sav)"
JSON = "a JSON file"
ENCRYPTED = "an encrypted file"
ORC, FEATHER, ACCESS, TAR = "an ORC file", "a Feather file", "an Access database", "a tar archive"
SQLITE, DUCKDB, HDF5 = "an SQLite database", "a DuckDB database", "an HDF5 file"
PDF, RTF = "a PDF document", "a rich text document"
WEB_PAGE, XML = "a web page", "an XML file"
LFS_POINTER = "a pointer of Git LFS in place of the file"

SAS_MAGIC = bytes.fromhex("000000000000000000000000c2ea8160b31411cfbd92080009c7318c181f1011")
SAS_TYPE = slice(156, 172)
"""Where a SAS file of version 7 to 9 says whether it is a data set or a catalogue."""

STARTS: tuple[tuple[bytes, str], ...] = (
    (b"version https://git-lfs.github.com/spec/", LFS_POINTER),
    (b"\x1f\x8b", GZIP),
    (b"\xfd7zXZ\x00", XZ),
    (b"\x28\xb5\x2f\xfd", ZSTD),
    (b"7z\xbc\xaf\x27\x1c", SEVEN_ZIP),
    (b"Rar!\x1a\x07", RAR),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", OLD_OFFICE),
    (b"PAR1\x15", PARQUET),
    (b"PARE\x15", ENCRYPTED_PARQUET),
    (b"ARROW1\x00\x00", ARROW),
    (b"Obj\x01", AVRO),
    (b"$FL2", SPSS),
    (b"$FL3", SPSS_ZLIB),
    (b"<stata_dta>", STATA),
    (b"HEADER RECORD*******LIB", SAS_TRANSPORT),
    (b"**COMPRESSED** **COMPRESSED** ", SAS_CPORT),
    (b"LIB CONTROL ", SAS_CPORT),
    *((start, R_DATA) for start in (b"RDX2\nX\n", b"RDX3\nX\n", b"RDA2\nA\n", b"RDA3\nA\n", b"X\n\0\0\0\2", b"X\n\0\0\0\3")),
    (b"\xff\xff\x00\x00\x07\x00\x00\x00\x04\x00\x00\x00", JMP),
    *((start, SYLK) for start in (b"ID;PWXL", b"ID;PCALC", b"ID;PSCALC")),
    (b"\x89PNG\r\n\x1a\n", PICTURE),
    (b"\xff\xd8\xff", PICTURE),
    (b"SR\x00\x04", IDL),
    (b"SR\x00\x06", IDL),
    (b"FEA1\x00\x00\x00\x00", FEATHER),
    (b"\x00\x01\x00\x00Standard ", ACCESS),
    (b"-----BEGIN ", ENCRYPTED),
    (b"age-encryption.org/", ENCRYPTED),
    (b"Salted__", ENCRYPTED),
    (b"SQLite format 3\x00", SQLITE),
    (b"\x89HDF\r\n\x1a\n", HDF5),
    (b"%PDF-", PDF),
    (b"{\\rtf", RTF),
)
MARKUP: tuple[tuple[bytes, str], ...] = (
    *((start, WEB_PAGE) for start in (b"<!doctype", b"<html", b"<head", b"<body", b"<table", b"<script", b"<meta", b"<!--")),
    (b"<?xml", XML),
)
"""How markup begins, after blanks, in whatever letter case."""

ELEMENT = re.compile(rb"<([a-z][a-z0-9:._-]*)(\s[^<>]*)?>.*</", re.DOTALL)
"""The beginning of markup of any other name."""

ENCRYPTED_MODULE = re.compile(rb"PAR[1E]..\0\0", re.DOTALL)
"""A Parquet file whose first part is encrypted: its length stands before it, where a page of another begins."""

ARROW_STREAM = re.compile(rb"\xff\xff\xff\xff..\0\0\x10\0\0\0", re.DOTALL)

JSON_START = re.compile(rb'\[?\s*\{\s*("[^"]*"\s*:|$)|\[\s*["\[{]')

ZIP_MEMBERS: tuple[tuple[bytes, str], ...] = (
    (b"[Content_Types].xml", WORKBOOK_XML),
    (b"xl/", WORKBOOK_XML),
    (b"_rels/.rels", WORKBOOK_XML),
    (b"docProps/", WORKBOOK_XML),
    (b"mimetypeapplication/vnd.oasis.opendocument.spreadsheet", OPEN_DOCUMENT),
    (b"mimetypeapplication/vnd.oasis.opendocument", OTHER_DOCUMENT),
)
"""How the name of an archive's first member, and for OpenDocument its content, goes on after the header."""

REMEDIES: Mapping[str, str] = {
    LFS_POINTER: "Fetch the file itself: git lfs pull",
    SAS_CPORT: "Ask for it as XPORT (SAS: libname with the engine xport, then proc copy) or as CSV",
    SPSS_ENCRYPTED: "Ask for it without a password",
    ENCRYPTED_PARQUET: "Ask for it unencrypted",
    ENCRYPTED: "Decrypt it first, and deliver what comes out",
    TAR: "Take the file out, and deliver it alone or as .gz or .zip",
    OLD_OFFICE: "Save it as .xlsx, with values only and without a password",
    WEB_PAGE: "Fetch it again and look at what the server sends",
    SAS_CATALOGUE: "Deliver the data set, and the catalogue beside it",
    SPSS: "Name it .sav",
    SPSS_ZLIB: "Name it .zsav",
    SPSS_PORTABLE: "Name it .por",
    STATA: "Name it .dta",
    SAS_TRANSPORT: "Name it .xpt",
    SAS_DATA: "Name it .sas7bdat",
    PARQUET: "Name it .parquet",
    WORKBOOK_XML: "Name it .xlsx",
    OPEN_DOCUMENT: "Name it .ods",
    **dict.fromkeys((SEVEN_ZIP, RAR, ZSTD), "Unpack it, and deliver the file alone or as .gz or .zip"),
    ZIP: "Name it .zip",
    GZIP: "Add .gz to its name",
    BZIP2: "Add .bz2 to its name",
    XZ: "Add .xz to its name",
}
"""What to do about a kind; of others the file is asked for in a format that is read."""

OTHER_REMEDY = "Ask for it as CSV or Parquet"


def kind_of(head: bytes) -> str | None:
    """The known kind of a file that begins with these bytes (HEAD_BYTES of them), None where it may be text or is unknown."""
    for start, kind in STARTS:
        if head.startswith(start):
            return kind
    if head.startswith(b"BZh") and head[4:10] == b"1AY&SY":
        return BZIP2
    if head.startswith(b"PK\x03\x04"):
        return next((kind for start, kind in ZIP_MEMBERS if head[30:].startswith(start)), ZIP)
    if ENCRYPTED_MODULE.match(head):
        return ENCRYPTED_PARQUET
    if ARROW_STREAM.match(head):
        return ARROW
    if head.startswith(SAS_MAGIC):
        return SAS_CATALOGUE if b"CATALOG" in head[SAS_TYPE] else SAS_DATA
    if head[8:12] == b"DUCK":
        return DUCKDB
    if head[257:262] == b"ustar":
        return TAR
    if head.startswith(b"ORC") and any(byte < 9 for byte in head[3:16]):
        return ORC
    if _is_encrypted_spss(head):
        return SPSS_ENCRYPTED
    if _is_old_stata(head):
        return STATA
    if _is_spss_portable(head):
        return SPSS_PORTABLE
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    if JSON_START.match(text):
        return JSON
    found = next((kind for start, kind in MARKUP if text.startswith(start)), None)
    return found or (XML if ELEMENT.match(text) else None)


def remedy_for(kind: str) -> str:
    """What to do about a file of this kind under another name."""
    return REMEDIES.get(kind, OTHER_REMEDY)


def _is_encrypted_spss(head: bytes) -> bool:
    return head[8:17] == b"ENCRYPTED"


def _is_old_stata(head: bytes) -> bool:
    """Version 102 to 115: its number, the byte order, and two bytes that are fixed."""
    return len(head) > 4 and 102 <= head[0] <= 115 and head[1] in (1, 2) and head[2] == 1 and head[3] == 0


def _is_spss_portable(head: bytes) -> bool:
    """Five times 40 characters say what it is, in five character sets; the lines of 80 may be broken or not."""
    text = head.replace(b"\r", b"").replace(b"\n", b"")
    return b"ASCII SPSS PORT FILE" in text[:200] or text[200:464].find(b"SPSSPORT") >= 0
