"""What the pipeline calls: a delivered file in, its content or the reason out. The file itself is opened by the worker only."""

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl

from pipelines.landing.readers.delivered import FRAME_FILE, Delivered, Refused, StillArriving
from pipelines.landing.readers.desk import DESK, temporary_folder
from pipelines.landing.readers.limits import Limits
from pipelines.landing.readers.named import extension_fault
from pipelines.landing.readers.pieces import as_told, written_pieces
from pipelines.landing.readers.unopened import why_not_opened
from pipelines.machine.settings import Settings
from pipelines.project.form import Form

SHA256_OF_NOTHING = hashlib.sha256().hexdigest()


def read_delivery(
    path: Path,
    form: Form | None = None,
    settings: Settings | None = None,
    within: Path | None = None,
    n_records: int | None = None,
    sha256: str | None = None,
    rows_into: Path | None = None,
) -> Delivered:
    """Read a delivered file of the declared form, within the limits of the settings.

    Columns are Float64, String, Boolean and dates, in a text file String only with NULL for empty fields; a Parquet file has its
    own types. `n_records` is how many records the provider states, for formats that do not tell records from padding. With a
    folder `rows_into` the frame has no rows, and they are left there for `frames_in`, so that nobody holds them all. Raises
    DeliveryUnreadable where there is no such file, no reader for its name, it is empty, cut, damaged or beyond the limits, its
    content is not what its name and form say, or it leads out of the folder `within`; NotReadNow where the machine failed, or
    the file has not the content `sha256` any more.
    """
    settings = settings or Settings()
    form = form or Form()
    try:
        _check(path, within, settings.reader_decompressed_limit, sha256)
        with nullcontext(rows_into) if rows_into else temporary_folder(settings.warehouse_folder / "spill") as folder:
            answer = DESK.ask("read", path, form, Limits.of(settings), folder, n_records, sha256)
            told = _told(folder, answer)
            return told if rows_into else replace(told, frame=pl.concat(list(frames_in(folder, told))))
    except Refused as refused:
        raise refused.of(path) from None


def frames_in(folder: Path, told: Delivered) -> Iterator[pl.DataFrame]:
    """The pieces of what was read into a folder, at least one."""
    return (as_told(frame, told.frame) for frame in written_pieces(folder / FRAME_FILE))


def _told(folder: Path, answer: Mapping[str, Any]) -> Delivered:
    """What there is to know, with a frame of no rows; a column without any value that can be read is of the type Null."""
    first = next(written_pieces(folder / FRAME_FILE)).clear()
    return Delivered(first.with_columns(pl.lit(None, pl.Null).alias(name) for name in answer["empty"]), **answer["told"])


def sniff(path: Path, form: Form | None = None, settings: Settings | None = None) -> Form:
    """The form that a text file looks like, for a person to check; the default form for formats that say everything themselves.

    `form` may name the member of an archive. Raises DeliveryUnreadable where the file is not there or looks like no text.
    """
    settings = settings or Settings()
    try:
        _check(path, None, settings.reader_decompressed_limit)
        with temporary_folder(settings.warehouse_folder / "spill") as folder:
            return Form(**DESK.ask("sniff", path, form or Form(), Limits.of(settings), folder)["form"])
    except Refused as refused:
        raise refused.of(path) from None


def _check(path: Path, within: Path | None, most: int, sha256: str | None = None) -> None:
    """What can be said of a file without opening it; one that was hashed as another thing is still arriving."""
    fault = extension_fault(path)
    if fault:
        raise fault
    fault = why_not_opened(path, within, most)
    if fault and sha256 not in (None, fault.found):
        raise StillArriving
    if fault:
        raise fault
    if path.stat().st_size == 0 and sha256 in (None, SHA256_OF_NOTHING):
        raise Refused("an empty file", "Fetch or copy it again")
