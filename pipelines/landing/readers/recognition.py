"""Whether the content of a file is of the kind that its name says; where it is of another known kind, that is what is said."""

import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path

from pipelines.landing.readers import magic
from pipelines.landing.readers.delivered import Refused

KINDS: Mapping[str, frozenset[str]] = {
    **dict.fromkeys((".csv", ".tsv"), frozenset()),
    **dict.fromkeys((".xlsx", ".xlsm", ".ods"), frozenset({magic.WORKBOOK_XML, magic.OPEN_DOCUMENT, magic.ZIP})),
    ".parquet": frozenset({magic.PARQUET}),
    ".sav": frozenset({magic.SPSS, magic.SPSS_ZLIB}),
    ".zsav": frozenset({magic.SPSS, magic.SPSS_ZLIB}),
    ".por": frozenset({magic.SPSS_PORTABLE}),
    ".dta": frozenset({magic.STATA}),
    ".xpt": frozenset({magic.SAS_TRANSPORT}),
    ".sas7bdat": frozenset({magic.SAS_DATA}),
    ".gz": frozenset({magic.GZIP}),
    ".xz": frozenset({magic.XZ}),
    ".bz2": frozenset({magic.BZIP2}),
    ".zip": frozenset({magic.ZIP, magic.WORKBOOK_XML, magic.OPEN_DOCUMENT, magic.OTHER_DOCUMENT}),
}
"""Extension -> the kinds that its reader reads; text is of no known kind."""

ALWAYS_KNOWN = {
    ".sav": "a damaged SPSS file, or none",
    ".zsav": "a damaged SPSS file, or none",
    ".dta": "a damaged Stata file, or none",
    ".sas7bdat": "a damaged SAS data set, or none",
    ".xpt": "no SAS transport file",
    ".parquet": "a damaged Parquet file, or none",
}
"""What a file of these names is that does not begin as all of its kind do."""

OF_OTHER_OFFICE = ("word/", "ppt/", "visio/")
"""How parts of Office files that are no workbooks are named."""

OF_TEXT = (".csv", ".tsv", ".por")
PACKED_AGAIN = "Pack it once, under the name of what it is"


def check_kind(path: Path, *, is_unpacked: bool = False) -> None:
    """Raises Refused where the file begins as one of another kind than its extension says; damage is left to its reader."""
    suffix = path.suffix.lower()
    with path.open("rb") as file:
        head = file.read(magic.HEAD_BYTES)
    kind = _looked_into(path, head, magic.kind_of(head))
    if kind is None and suffix not in OF_TEXT and _is_text(head):
        what = f" ({ALWAYS_KNOWN[suffix]})" if suffix in ALWAYS_KNOWN else ""
        raise Refused(f"text under a name that ends in {suffix}{what}", "Name it .csv or .tsv, if it is text of separated fields")
    if kind is None and suffix in ALWAYS_KNOWN:
        raise Refused(f"{ALWAYS_KNOWN[suffix]}: it does not begin as one", "Fetch it again, or give it the name of what it is")
    if kind is None or kind in KINDS.get(suffix, frozenset({kind})):
        return
    raise Refused(
        f"{kind} under a name that ends in {suffix}{', packed' if is_unpacked else ''}",
        PACKED_AGAIN if is_unpacked and kind in (magic.GZIP, magic.XZ, magic.BZIP2, magic.ZIP) else magic.remedy_for(kind),
    )


def _looked_into(path: Path, head: bytes, kind: str | None) -> str | None:
    """The kind by what is inside, where its first bytes do not tell: other Office files, and those of R, packed by gzip."""
    if kind == magic.WORKBOOK_XML:
        try:
            with zipfile.ZipFile(path) as archive:
                names = archive.namelist()
        except (zipfile.BadZipFile, OSError, ValueError):
            return kind
        return magic.OTHER_DOCUMENT if any(name.startswith(OF_OTHER_OFFICE) for name in names) else kind
    if kind == magic.GZIP:
        try:
            inside = zlib.decompressobj(zlib.MAX_WBITS | 16).decompress(head, magic.HEAD_BYTES)
        except zlib.error:
            return kind
        return magic.R_DATA if magic.kind_of(inside) == magic.R_DATA else kind
    return kind


def _is_text(head: bytes) -> bool:
    """Lines of printable UTF-8, but for a character that is cut off at the end."""
    try:
        text = head.decode()
    except UnicodeDecodeError as error:
        if error.start < len(head) - 3:
            return False
        text = head[: error.start].decode()
    return "\n" in text.strip() and all(character.isprintable() or character in "\r\n\t\ufeff" for character in text)
