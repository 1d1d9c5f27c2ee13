"""Which reader reads which extension, and the way from a delivered file to it. Runs in the worker, never beside the warehouse."""

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import polars as pl

from pipelines.landing.readers.delivered import Delivered, Refused, with_plain_names
from pipelines.landing.readers.excel import read_workbook
from pipelines.landing.readers.limits import Limits
from pipelines.landing.readers.named import READABLE, WORKBOOKS
from pipelines.landing.readers.parquet import parquet_pieces
from pipelines.landing.readers.pieces import Pieces, cut, put_together
from pipelines.landing.readers.recognition import check_kind
from pipelines.landing.readers.statistical import LABELLED, LOST, read_statistical
from pipelines.landing.readers.text import read_text
from pipelines.landing.readers.transport import read_transport
from pipelines.landing.readers.unpack import PACKED, unpack
from pipelines.project.form import SEPARATORS, Form


@dataclass(frozen=True)
class Job:
    """One file to read: where it is, its declared form, the bounds, and the only folder that may be written to.

    `n_records` is how many records its provider states, where that is declared; `landed` is the delivered file where `path` is
    its copy.
    """

    path: Path
    form: Form
    limits: Limits
    folder: Path
    n_records: int | None = None
    landed: Path | None = None

    @property
    def beside(self) -> Path:
        """The folder of what was delivered with the file."""
        return (self.landed or self.path).parent


def read_job(job: Job) -> Delivered:
    """The whole file of a job; raises Refused, or what a library raises on a damaged file."""
    return put_together(read_pieces(job))


def read_pieces(job: Job) -> Pieces:
    """Read the file of a job piece by piece; raises Refused, or what a library raises on a damaged file, at any piece."""
    path = unpacked(job)
    suffix = path.suffix.lower()
    read = READERS[suffix](path, job)
    pieces = read if isinstance(read, Pieces) else cut(read)
    # in a text file quotes tell, so its reader knows the marks of missing values
    marks = () if suffix in SEPARATORS else job.form.missing
    n_lost = 0

    def frames() -> Iterator[pl.DataFrame]:
        nonlocal n_lost
        for frame in pieces.frames:
            plain = with_plain_names(Delivered(frame)).frame
            n_lost += _n_lost_letters(plain)
            yield _without_marks(plain, marks)

    return Pieces(frames(), lambda: _with_lost_letters(with_plain_names(pieces.told()), n_lost))


def _n_lost_letters(frame: pl.DataFrame) -> int:
    """How many texts hold the mark that a program puts in the place of a letter that it cannot tell."""
    texts = frame.select(pl.selectors.string())
    return sum(int(values.str.contains(LOST, literal=True).sum()) for values in texts if values.dtype == pl.String)


def _with_lost_letters(delivered: Delivered, n_lost: int) -> Delivered:
    """A note on such texts."""
    if not n_lost:
        return delivered
    note = f"{n_lost:,} texts hold the mark of a letter that a program lost before (U+FFFD): ask for them in their own encoding"
    return replace(delivered, notes=[*delivered.notes, note])


def _without_marks(frame: pl.DataFrame, marks: Collection[str]) -> pl.DataFrame:
    """Texts that read as a declared mark of missing values are NULL."""
    if not marks:
        return frame
    texts = frame.select(pl.selectors.string())
    return frame.with_columns(values.set(values.is_in(list(marks)), None) for values in texts)


def unpacked(job: Job) -> Path:
    """The file itself, or what was packed in it, inside the job's folder; its content is of the kind that its name says."""
    check_kind(job.path)
    suffix = job.path.suffix.lower()
    if job.form.member and suffix not in (".zip", TRANSPORT):
        raise Refused("no ZIP archive, where `form` names a member", "Take `member` out of its form")
    if suffix in PACKED:
        path = unpack(job.path, job.form.member, job.limits, job.folder, READABLE)
        check_kind(path, is_unpacked=True)
        return path
    return job.path


def _transport(path: Path, job: Job) -> Delivered:
    """A transport file by its form; where it is packed, the member that a form names is the file, not a data set in it."""
    is_packed = job.path.suffix.lower() != TRANSPORT
    form = job.form.model_copy(update={"member": None}) if is_packed else job.form
    return read_transport(path, form, job.folder, job.n_records, is_packed=is_packed)


def _workbook(path: Path, job: Job) -> Delivered:
    return read_workbook(path, job.form.sheet, job.limits, job.form.missing)


TRANSPORT = ".xpt"

READERS: Mapping[str, Callable[[Path, Job], Delivered | Pieces]] = {
    **{suffix: lambda path, job: read_text(path, job.form, job.limits, job.folder) for suffix in SEPARATORS},
    **dict.fromkeys(WORKBOOKS, _workbook),
    **{
        suffix: lambda path, job: read_statistical(path, job.form, job.beside, job.path.name, job.n_records)
        for suffix in LABELLED
    },
    TRANSPORT: _transport,
    ".parquet": lambda path, job: parquet_pieces(path),
}
