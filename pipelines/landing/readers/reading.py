"""What the pipeline calls: a delivered file in, its content or the reason out. The file itself is opened by the worker only."""

from pathlib import Path

import polars as pl

from pipelines.landing.readers.delivered import FRAME_FILE, BeyondTheMachine, Delivered, Refused
from pipelines.landing.readers.desk import DESK, temporary_folder
from pipelines.landing.readers.limits import Limits, in_bytes
from pipelines.landing.readers.named import extension_fault
from pipelines.machine.settings import Settings
from pipelines.project.form import Form


def read_delivery(
    path: Path,
    form: Form | None = None,
    settings: Settings | None = None,
    within: Path | None = None,
    n_records: int | None = None,
) -> Delivered:
    """Read a delivered file of the declared form, within the limits of the settings.

    Columns are Float64, String, Boolean and dates, in a text file String only with NULL for empty fields; a Parquet file has its
    own types. `n_records` is how many records the provider states, for formats that do not tell records from padding. Raises
    DeliveryUnreadable where there is no such file, no reader for its name, it is empty, cut, damaged or beyond the limits, its
    content is not what its name and form say, or it leads out of the folder `within`.
    """
    settings = settings or Settings()
    form = form or Form()
    try:
        _check(path, within)
        if path.stat().st_size > settings.reader_decompressed_limit:
            raise BeyondTheMachine(
                f"a file of more than {in_bytes(settings.reader_decompressed_limit)}",
                "If that is right, raise CRAMP_ATLAS_READER_DECOMPRESSED_LIMIT",
            )
        with temporary_folder(settings.warehouse_folder / "spill") as folder:
            answer = DESK.ask("read", path, form, Limits.of(settings), folder, n_records)
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
        _check(path, None)
        with temporary_folder(settings.warehouse_folder / "spill") as folder:
            return Form(**DESK.ask("sniff", path, form or Form(), Limits.of(settings), folder)["form"])
    except Refused as refused:
        raise refused.of(path) from None


def _check(path: Path, within: Path | None) -> None:
    """What can be said of a file without opening it."""
    fault = extension_fault(path)
    if fault:
        raise fault
    if path.is_dir():
        raise Refused("a folder", "Deliver one file: what wrote the folder can write its parts into one (Spark: coalesce(1))")
    if path.is_symlink() and not path.exists():
        raise Refused("a link that leads nowhere", "Deliver the file itself")
    if path.exists() and not path.is_file():
        raise Refused("a pipe, a socket or a device", "Deliver a file")
    if not path.is_file():
        raise Refused("no file", "Deliver it, or correct its name in the source's file")
    if within and not path.resolve().is_relative_to(within.resolve()):
        raise Refused("a link that leads out of the landing folder", "Deliver the file itself")
    if path.stat().st_size == 0:
        raise Refused("an empty file", "Fetch or copy it again")
