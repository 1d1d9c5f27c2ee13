"""What the pipeline calls: a delivered file in, its content or the reason out. The file itself is opened by the worker only."""

import hashlib
from pathlib import Path

import polars as pl

from pipelines.landing.readers.delivered import FRAME_FILE, Delivered, Refused, StillArriving
from pipelines.landing.readers.desk import DESK, temporary_folder
from pipelines.landing.readers.limits import Limits
from pipelines.landing.readers.named import extension_fault
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
) -> Delivered:
    """Read a delivered file of the declared form, within the limits of the settings.

    Columns are Float64, String, Boolean and dates, in a text file String only with NULL for empty fields; a Parquet file has its
    own types. `n_records` is how many records the provider states, for formats that do not tell records from padding. Raises
    DeliveryUnreadable where there is no such file, no reader for its name, it is empty, cut, damaged or beyond the limits, its
    content is not what its name and form say, or it leads out of the folder `within`; NotReadNow where the machine failed, or
    the file has not the content `sha256` any more.
    """
    settings = settings or Settings()
    form = form or Form()
    try:
        _check(path, within, settings.reader_decompressed_limit, sha256)
        with temporary_folder(settings.warehouse_folder / "spill") as folder:
            answer = DESK.ask("read", path, form, Limits.of(settings), folder, n_records, sha256)
            frame = pl.read_ipc(folder / FRAME_FILE)
    except Refused as refused:
        raise refused.of(path) from None
    return Delivered(frame, **answer["told"])


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
