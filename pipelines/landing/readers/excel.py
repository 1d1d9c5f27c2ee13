"""Workbooks: one sheet of values under a line of names, without formulas, whose results may be stale."""

import zipfile
from collections.abc import Callable
from datetime import time
from pathlib import Path
from xml.etree import ElementTree
from xml.parsers import expat

import polars as pl

from pipelines.landing.readers.delivered import Delivered, Refused, shown, unique_names
from pipelines.landing.readers.limits import Limits
from pipelines.landing.readers.unpack import CHUNK_BYTES, DAMAGE, too_large

ENCRYPTED_WORKBOOK = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
"""How an OLE file begins: a workbook with a password, or one of the old binary format."""

RELATION = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
MIDNIGHT = time()
DAMAGED = "a cut or damaged workbook"
REMEDY = "Save it again, or deliver the sheet as CSV"


def read_workbook(path: Path, sheet: str | None, limits: Limits) -> Delivered:
    """The declared or only sheet: numbers as Float64, dates, true/false and text; a column of several kinds is text."""
    with path.open("rb") as file:
        start = file.read(len(ENCRYPTED_WORKBOOK))
    if start == ENCRYPTED_WORKBOOK:
        raise Refused("a workbook with a password, or an old .xls under another name", "Save it as .xlsx without a password")
    try:
        with zipfile.ZipFile(path) as archive:
            _check_size(archive, limits)
            sheets = _sheets(archive)
            name = _the_sheet(sheets, sheet)
            n_formulas, n_errors = _count_cells(archive, sheets[name], name)
    except (*DAMAGE, KeyError, expat.ExpatError, ElementTree.ParseError) as error:  # the text may hold content
        raise Refused(f"{DAMAGED} ({type(error).__name__})", REMEDY) from None
    if n_formulas:
        raise Refused(
            f"{n_formulas:,} cells with formulas, whose saved results may be stale", "Deliver values: paste the sheet as values"
        )
    if n_errors:
        raise Refused(f"{n_errors:,} cells with errors such as #N/A", "Deliver values, and empty cells for what is missing")
    return Delivered(_frame(path, name))


def _check_size(archive: zipfile.ZipFile, limits: Limits) -> None:
    """What the workbook decompresses to, counted by decompressing it."""
    entries = archive.infolist()
    if len(entries) > limits.members:
        raise Refused(f"a workbook of {len(entries):,} parts where {limits.members:,} are allowed", REMEDY)
    size = 0
    for entry in entries:
        with archive.open(entry) as stream:
            while chunk := stream.read(CHUNK_BYTES):
                size += len(chunk)
                if size > limits.decompressed:
                    raise too_large(limits)


def _sheets(archive: zipfile.ZipFile) -> dict[str, str]:
    """Sheet name -> the part of the archive that holds it."""
    if "content.xml" in archive.namelist():
        names: list[str] = []
        _parse(archive, "content.xml", lambda tag, given: names.append(_attribute(given, "name")) if tag == "table" else None)
        return dict.fromkeys(names, "content.xml")
    targets: dict[str, str] = {}
    found: dict[str, str] = {}

    def relation(tag: str, given: dict[str, str]) -> None:
        if tag == "Relationship" and "worksheet" in given.get("Type", ""):
            target = given["Target"]
            targets[given["Id"]] = target.removeprefix("/") if target.startswith("/") else f"xl/{target}"

    def listed(tag: str, given: dict[str, str]) -> None:
        if tag == "sheet":
            found[given["name"]] = targets.get(_attribute(given, "id"), "")

    _parse(archive, "xl/_rels/workbook.xml.rels", relation)
    _parse(archive, "xl/workbook.xml", listed)
    return {name: part for name, part in found.items() if part}


def _the_sheet(sheets: dict[str, str], wanted: str | None) -> str:
    if wanted is None and len(sheets) == 1:
        return next(iter(sheets))
    if wanted in sheets:
        return wanted
    listed = ", ".join(shown(name) for name in list(sheets)[:5])
    found = f"a workbook of {len(sheets)} sheets (hidden ones counted)" if wanted is None else "no sheet of the declared name"
    raise Refused(found, f"Declare `form: {{sheet: NAME}}` in the source's file; there are: {listed or 'none'}")


def _count_cells(archive: zipfile.ZipFile, part: str, name: str) -> tuple[int, int]:
    """How many cells of the sheet hold formulas, and how many errors."""
    counts = {"formulas": 0, "errors": 0}
    is_wanted = part != "content.xml"

    def count(tag: str, given: dict[str, str]) -> None:
        nonlocal is_wanted
        if tag == "table" and not part.startswith("xl/"):
            is_wanted = _attribute(given, "name") == name
        if not is_wanted:
            return
        counts["formulas"] += tag == "f" or any(key.rpartition(":")[2] == "formula" for key in given)
        counts["errors"] += tag == "c" and given.get("t") == "e"

    _parse(archive, part, count)
    return counts["formulas"], counts["errors"]


def _parse(archive: zipfile.ZipFile, part: str, on_start: Callable[[str, dict[str, str]], object]) -> None:
    """Call `on_start` with the local name and the attributes of each element. A document that declares entities is refused."""
    parser = expat.ParserCreate()
    parser.StartElementHandler = lambda tag, given: on_start(tag.rpartition(":")[2], given)
    parser.EntityDeclHandler = _no_entities
    with archive.open(part) as stream:
        while chunk := stream.read(CHUNK_BYTES):
            parser.Parse(chunk, False)
    parser.Parse(b"", True)


def _no_entities(*_: object) -> None:
    raise Refused("a workbook that declares XML entities, which no spreadsheet program writes", "Ask where it comes from")


def _attribute(given: dict[str, str], name: str) -> str:
    """An attribute whatever its namespace prefix."""
    return next((value for key, value in given.items() if key.rpartition(":")[2] == name), "")


def _frame(path: Path, sheet: str) -> pl.DataFrame:
    import fastexcel

    try:
        reader = fastexcel.read_excel(path)
        header = reader.load_sheet(sheet, header_row=None, n_rows=1, dtypes="string").to_polars()
        frame = reader.load_sheet(sheet, header_row=0, schema_sample_rows=None).to_polars()
    except (fastexcel.FastExcelError, pl.exceptions.PolarsError, ValueError, OSError) as error:  # the text may hold content
        raise Refused(f"{DAMAGED} or an empty sheet ({type(error).__name__})", REMEDY) from None
    names = [name.strip() if name else "" for name in header.row(0)] if header.height else []
    if not any(names):
        raise Refused("a sheet without a header line", "Put the names of the columns into its first line")
    if len(names) != frame.width:
        raise Refused(f"a sheet of {frame.width} columns with {len(names)} names", "Give each column a name")
    unnamed = [position for position, name in enumerate(names) if not name]
    if any(frame.to_series(position).null_count() < frame.height for position in unnamed):
        raise Refused("a column of values without a name in the first line", "Give each column a name, or clear the column")
    named = [position for position, name in enumerate(names) if name]
    frame = frame.select(frame.to_series(position) for position in named)
    frame.columns = unique_names([names[position] for position in named])
    frame = frame.filter(~pl.all_horizontal(pl.all().is_null()))
    return frame.with_columns(_dates(column) for column in frame)


def _dates(values: pl.Series) -> pl.Series:
    """Spreadsheets keep dates as times: midnights alone are dates."""
    if values.dtype == pl.Datetime and (values.dt.time().drop_nulls() == MIDNIGHT).all():
        return values.cast(pl.Date)
    return values
