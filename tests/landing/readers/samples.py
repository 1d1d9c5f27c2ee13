"""A small delivery in every format that is read, written by the libraries that others use, with a marker in its text."""

import bz2
import gzip
import lzma
import zipfile
from collections.abc import Callable, Mapping
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pyreadstat
import xlsxwriter

MARKER = "Marigold-86753"
"""Stands in the cells of every sample, and must stand in no message."""

N_RECORDS = 40
DATA = Path(__file__).parent / "data"

LABELS: dict[str, dict[int | float, str]] = {"SEX": {1: "man", 2: "woman"}}
COLUMN_LABELS: dict[str, str | None] = {"SEX": "Sex of the person"}


def people(n_records: int = N_RECORDS) -> pl.DataFrame:
    """ID, SEX, BORN (with a gap), NOTE."""
    return pl.DataFrame(
        {
            "ID": [float(number) for number in range(n_records)],
            "SEX": [1, 2] * (n_records // 2),
            "BORN": [date(1950, 1, 2), None] * (n_records // 2),
            "NOTE": [MARKER, "x"] * (n_records // 2),
        },
        schema={"ID": pl.Float64, "SEX": pl.Int64, "BORN": pl.Date, "NOTE": pl.String},
    )


def _workbook(frame: pl.DataFrame, path: Path) -> None:
    write_workbook(path, {"people": [frame.columns, *frame.rows()]})


def write_workbook(path: Path, sheets: Mapping[str, Any], **options: Any) -> None:
    """Write rows of cells, as Excel does; a text that begins with = is a formula."""
    with xlsxwriter.Workbook(path, {"default_date_format": "yyyy-mm-dd", **options}) as book:
        for name, rows in sheets.items():
            sheet = book.add_worksheet(name)
            for number, row in enumerate(rows):
                sheet.write_row(number, 0, row)


WRITERS: Mapping[str, Callable[[pl.DataFrame, Path], object]] = {
    ".csv": lambda frame, path: frame.write_csv(path),
    ".tsv": lambda frame, path: frame.write_csv(path, separator="\t"),
    ".parquet": lambda frame, path: frame.write_parquet(path),
    ".xlsx": _workbook,
    ".xpt": lambda frame, path: pyreadstat.write_xport(frame, str(path), file_format_version=5),
    ".sav": lambda frame, path: pyreadstat.write_sav(
        frame, str(path), column_labels=COLUMN_LABELS, variable_value_labels=LABELS, row_compress=True
    ),
    ".zsav": lambda frame, path: pyreadstat.write_sav(
        frame, str(path), column_labels=COLUMN_LABELS, variable_value_labels=LABELS, compress=True
    ),
    ".por": lambda frame, path: pyreadstat.write_por(frame, str(path)),
    ".dta": lambda frame, path: pyreadstat.write_dta(frame, str(path), column_labels=COLUMN_LABELS, variable_value_labels=LABELS),
}

PACKERS: Mapping[str, Callable[[bytes], bytes]] = {".gz": gzip.compress, ".xz": lzma.compress, ".bz2": bz2.compress}


def sample(folder: Path, suffix: str, n_records: int = N_RECORDS) -> Path:
    """The sample of a format; of .sas7bdat, which no library writes, the iris data of the R package haven."""
    path = folder / f"delivery{suffix}"
    if suffix == ".sas7bdat":
        path.write_bytes(lzma.decompress((DATA / "iris.sas7bdat.xz").read_bytes()))
    else:
        WRITERS[suffix](people(n_records), path)
    return path


def packed(path: Path, packing: str) -> Path:
    """The file as .gz, .xz, .bz2 or .zip beside it."""
    target = path.with_name(path.name + packing)
    if packing == ".zip":
        return zipped(target, {path.name: path.read_bytes()})
    target.write_bytes(PACKERS[packing](path.read_bytes()))
    return target


def zipped(target: Path, members: Mapping[str, bytes]) -> Path:
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return target
