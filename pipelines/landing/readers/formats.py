"""Which reader reads which extension, and the way from a delivered file to it. Runs in the worker, never beside the warehouse."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from pipelines.landing.readers.delivered import Delivered, Refused
from pipelines.landing.readers.excel import read_workbook
from pipelines.landing.readers.limits import Limits
from pipelines.landing.readers.named import READABLE, WORKBOOKS
from pipelines.landing.readers.parquet import read_parquet
from pipelines.landing.readers.statistical import LABELLED, read_statistical
from pipelines.landing.readers.text import read_text
from pipelines.landing.readers.transport import read_transport
from pipelines.landing.readers.unpack import PACKED, unpack
from pipelines.project.form import SEPARATORS, Form


@dataclass(frozen=True)
class Job:
    """One file to read: where it is, its declared form, the bounds, and the only folder that may be written to."""

    path: Path
    form: Form
    limits: Limits
    folder: Path


def read_job(job: Job) -> Delivered:
    """Read the file of a job; raises Refused, or what a library raises on a damaged file."""
    path = unpacked(job)
    read = READERS[path.suffix.lower()]
    return read(path, job)


def unpacked(job: Job) -> Path:
    """The file itself, or what was packed in it, inside the job's folder."""
    if job.path.suffix.lower() in PACKED:
        return unpack(job.path, job.form.member, job.limits, job.folder, READABLE)
    if job.form.member:
        raise Refused("no ZIP archive, where `form` names a member", "Take `member` out of its form")
    return job.path


def _workbook(path: Path, job: Job) -> Delivered:
    return read_workbook(path, job.form.sheet, job.limits)


READERS: Mapping[str, Callable[[Path, Job], Delivered]] = {
    **{suffix: lambda path, job: read_text(path, job.form, job.limits, job.folder) for suffix in SEPARATORS},
    **dict.fromkeys(WORKBOOKS, _workbook),
    **{suffix: lambda path, job: read_statistical(path, job.form, job.path.parent, job.path.name) for suffix in LABELLED},
    ".xpt": lambda path, job: read_transport(path, job.form),
    ".parquet": lambda path, job: read_parquet(path),
}
