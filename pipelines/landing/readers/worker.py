"""The process that opens delivered files: `python -m pipelines.landing.readers.worker`.

One request a line on standard input, one answer a line on standard output, the frame as an Arrow file in the folder that the
request names. Whatever a library prints goes nowhere: it could be a respondent's value.
"""

import fcntl
import json
import os
import resource
import select
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl

from pipelines.landing.readers.delivered import FRAME_FILE, Refused, RefusedHere, StillArriving
from pipelines.landing.readers.formats import Job, read_pieces, unpacked
from pipelines.landing.readers.limits import Limits
from pipelines.landing.readers.pieces import read_through, write_pieces
from pipelines.landing.readers.sniffing import sniff_text
from pipelines.landing.readers.taking import own_copy
from pipelines.machine.disk import fault_of_the_machine, is_full
from pipelines.project.form import SEPARATORS, Form

MAX_SHARE_KEPT = 0.5
"""A worker that keeps more of its address space than this after a file is replaced: allocators keep what they once had."""

STATM = Path("/proc/self/statm")

NAME_ENCODING = "Name its encoding (contract init: --encoding), such as cp1250, shift_jis or gb18030, or ask for it as UTF-8"

GRACE_SECONDS = 5
"""By how much the worker's own alarm comes after the parent's patience."""


def main() -> None:
    """Answer requests until standard input is closed."""
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="ascii")
    silence = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silence, sys.stdout.fileno())
    os.dup2(silence, sys.stderr.fileno())
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # a core dump would hold respondents' values
    for line in sys.stdin:
        request = json.loads(line)
        limits = Limits(**request["limits"])
        job = Job(Path(request["path"]), Form(**request["form"]), limits, Path(request["folder"]), request.get("n_records"))
        with _bounded(limits, answers.fileno()):
            answer = _answer(job, request["task"], request.get("sha256"))
            answer["is_spent"] = _address_space() > MAX_SHARE_KEPT * limits.memory
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


def _address_space() -> int:
    """Bytes of address space of this process; 0 where the system does not tell."""
    return int(STATM.read_text().split()[0]) * resource.getpagesize() if STATM.exists() else 0


def _answer(job: Job, task: str, sha256: str | None) -> dict[str, Any]:
    try:
        return _sniffed(job) if task == "sniff" else _read(job, sha256)
    except StillArriving:
        return {"outcome": "arriving"}
    except Refused as refused:
        if is_full(refused):  # where the reader unpacks to, not the file
            return {"outcome": "disk"}
        if fault := fault_of_the_machine(refused):
            return {"outcome": "machine", "error": fault}
        return {"found": refused.found, "remedy": refused.remedy, "is_here": isinstance(refused, RefusedHere)}
    except MemoryError as error:
        return {"outcome": "disk" if is_full(error) else "memory"}
    except (Exception, pl.exceptions.PanicException) as error:  # a library's message may hold content
        if is_full(error):
            return {"outcome": "disk"}
        if fault := fault_of_the_machine(error):
            return {"outcome": "machine", "error": fault}
        return {"found": "a file that its reader fails on", "remedy": "Fetch it again, or deliver CSV"}


def _read(job: Job, sha256: str | None) -> dict[str, Any]:
    """The frame as a file; where the content of the file is known, of a copy that has it."""
    if sha256:
        job = replace(job, path=own_copy(job.path, job.folder, sha256, job.limits.decompressed), landed=job.path)
    delivered = write_pieces(read_pieces(job), job.folder / FRAME_FILE)
    return {"told": delivered.told(), "empty": [name for name, kind in delivered.frame.schema.items() if kind == pl.Null]}


def _sniffed(job: Job) -> dict[str, Any]:
    path = unpacked(job)
    told = None if job.form.is_utf8 else job.form.encoding
    form = sniff_text(path, told) if path.suffix.lower() in SEPARATORS else Form()
    if form is None:
        read_through(read_pieces(job))  # says what is wrong with it, if anything
        raise Refused("no text of separated fields", NAME_ENCODING)
    declared = {"member": job.form.member} if job.form.member else {}
    return {"form": form.model_dump() | declared}


@contextmanager
def _bounded(limits: Limits, answers: int) -> Iterator[None]:
    """Address space and time are limited, and the end of the parent is the end of the work, whatever library is at it."""
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (limits.memory, hard))
    signal.alarm(limits.seconds + GRACE_SECONDS)
    _end_with_parent(answers, is_on=True)
    try:
        yield
    finally:
        _end_with_parent(answers, is_on=False)
        signal.alarm(0)
        resource.setrlimit(resource.RLIMIT_AS, (hard, hard))


def _end_with_parent(answers: int, *, is_on: bool) -> None:
    """Have the kernel end this process (SIGIO) when the other end of the answers is closed.

    It is told when they are read or closed, and nobody reads them while there is none. Not of the requests: the kernel tells of
    one after it can be read, which may be when it was read already and this was asked for.
    """
    flags = fcntl.fcntl(answers, fcntl.F_GETFL)
    fcntl.fcntl(answers, fcntl.F_SETOWN, os.getpid())
    fcntl.fcntl(answers, fcntl.F_SETFL, flags | os.O_ASYNC if is_on else flags & ~os.O_ASYNC)
    if is_on and _is_closed(answers):  # before it was asked for
        os._exit(1)


def _is_closed(pipe: int) -> bool:
    """Whether nobody holds the reading end of a pipe."""
    poll = select.poll()
    poll.register(pipe, 0)
    return any(event & select.POLLERR for _, event in poll.poll(0))


if __name__ == "__main__":
    main()
