"""Reading in this process: what a reader makes of a file, without the worker that opens it at night."""

from pathlib import Path
from typing import Any

import pytest

from pipelines.landing.readers.delivered import Delivered, Refused
from pipelines.landing.readers.formats import Job, read_job
from pipelines.landing.readers.limits import Limits
from pipelines.machine.settings import Settings
from pipelines.project.form import Form


def read_here(path: Path, folder: Path, n_records: int | None = None, **form: Any) -> Delivered:
    """The file, with `folder` to write to."""
    return read_job(Job(path, Form(**form), Limits.of(Settings()), folder, n_records))


def refused_here(path: Path, folder: Path, n_records: int | None = None, **form: str) -> str:
    """What is found instead of a readable file, and what to do."""
    with pytest.raises(Refused) as raised:
        read_here(path, folder, n_records, **form)
    return f"{raised.value.found}. {raised.value.remedy}"
