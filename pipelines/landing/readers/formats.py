"""Which reader reads which extension, and the way from a delivered file to it. Runs in the worker, never beside the warehouse."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from pipelines.landing.readers import magic
from pipelines.landing.readers.delivered import Delivered, Refused
from pipelines.landing.readers.excel import read_workbook
from pipelines.landing.readers.limits import Limits
from pipelines.landing.readers.magic import HEAD_BYTES, kind_of, remedy_for
from pipelines.landing.readers.named import READABLE, WORKBOOKS
from pipelines.landing.readers.parquet import read_parquet
from pipelines.landing.readers.statistical import LABELLED, read_statistical
from pipelines.landing.readers.text import read_text
from pipelines.landing.readers.transport import read_transport
from pipelines.landing.readers.unpack import PACKED, unpack
from pipelines.project.form import SEPARATORS, Form


@dataclass(frozen=True)
class Job:
    """One file to read: where it is, its declared form, the bounds, and the only folder that may be written to.

    `n_records` is how many records its provider states, where that is declared.
    """

    path: Path
    form: Form
    limits: Limits
    folder: Path
    n_records: int | None = None


def read_job(job: Job) -> Delivered:
    """Read the file of a job; raises Refused, or what a library raises on a damaged file."""
    path = unpacked(job)
    suffix = path.suffix.lower()
    check_kind(path, suffix)
    return READERS[suffix](path, job)


def unpacked(job: Job) -> Path:
    """The file itself, or what was packed in it, inside the job's folder."""
    if job.path.suffix.lower() in PACKED:
        return unpack(job.path, job.form.member, job.limits, job.folder, READABLE)
    if job.form.member and job.path.suffix.lower() != TRANSPORT:
        raise Refused("no ZIP archive, where `form` names a member", "Take `member` out of its form")
    return job.path


def check_kind(path: Path, suffix: str) -> None:
    """Refuse a file whose content is of another known kind than its name says; text tells no kind."""
    if suffix not in KINDS:
        return
    with path.open("rb") as file:
        kind = kind_of(file.read(HEAD_BYTES))
    if kind is not None and kind not in KINDS[suffix]:
        raise Refused(f"{kind} under a name that ends in {suffix}", remedy_for(kind))
    if kind is None and suffix in ALWAYS_KNOWN:
        raise Refused(f"{ALWAYS_KNOWN[suffix]}: it does not begin as one", "Fetch it again, or give it the name of what it is")


def _form_of_data_set(job: Job) -> Form:
    """The form of a transport file; the member of an archive is the file, not a data set in it."""
    return job.form if job.path.suffix.lower() == TRANSPORT else job.form.model_copy(update={"member": None})


def _workbook(path: Path, job: Job) -> Delivered:
    return read_workbook(path, job.form.sheet, job.limits)


TRANSPORT = ".xpt"

KINDS: Mapping[str, tuple[str, ...]] = {
    ".sav": (magic.SPSS, magic.SPSS_ZLIB),
    ".zsav": (magic.SPSS, magic.SPSS_ZLIB),
    ".por": (magic.SPSS_PORTABLE,),
    ".dta": (magic.STATA,),
    ".sas7bdat": (magic.SAS_DATA,),
    TRANSPORT: (magic.SAS_TRANSPORT,),
    ".parquet": (magic.PARQUET,),
}
"""Which kinds are read under a name."""

ALWAYS_KNOWN = {
    ".sav": "a damaged SPSS file, or none",
    ".zsav": "a damaged SPSS file, or none",
    ".dta": "a damaged Stata file, or none",
    ".sas7bdat": "a damaged SAS data set, or none",
    TRANSPORT: "no SAS transport file",
    ".parquet": "a damaged Parquet file, or none",
}
"""What a file of these names is that does not begin as all of its kind do."""

READERS: Mapping[str, Callable[[Path, Job], Delivered]] = {
    **{suffix: lambda path, job: read_text(path, job.form, job.limits, job.folder) for suffix in SEPARATORS},
    **dict.fromkeys(WORKBOOKS, _workbook),
    **{
        suffix: lambda path, job: read_statistical(path, job.form, job.path.parent, job.path.name, job.n_records)
        for suffix in LABELLED
    },
    TRANSPORT: lambda path, job: read_transport(path, _form_of_data_set(job), job.folder, job.n_records),
    ".parquet": lambda path, job: read_parquet(path),
}
