"""Fetching files: each whole or not at all, and a list of all that could not be fetched."""

import os
import re
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from fcntl import LOCK_EX, LOCK_NB, flock
from pathlib import Path, PurePosixPath

from rich.console import Console

from pipelines.landing.fetch.manifest import MANIFEST, Record, move_into_place, read_manifest, sha256_of, write_manifest
from pipelines.landing.fetch.meter import Meter
from pipelines.landing.fetch.origins import NotThere, Origin, Refused, note_of, origin_of
from pipelines.machine.console import PlainConsole
from pipelines.machine.errors import CrampAtlasError

SAS_TRANSPORT_HEADER = b"HEADER RECORD*******LIBRARY HEADER RECORD!!!!!!!"
"""First bytes of a SAS transport file, version 5 (SAS Institute, TS-140)."""

ATTEMPTS = re.compile(r" \(attempts: \d+\)$")


@dataclass(frozen=True)
class Failure:
    """A file that could not be fetched: why, and what to do about it."""

    file: str
    reason: str
    remedy: str


@dataclass(frozen=True)
class FetchReport:
    """What one call did. `bytes` is what came in during it: of a resumed file only the rest, of a repeated one every time."""

    downloaded: tuple[str, ...]
    unchanged: tuple[str, ...]
    bytes: int
    seconds: float


class FetchFailed(CrampAtlasError):
    """Some files could not be fetched: `failures` lists them all, `report` tells of the others."""

    def __init__(self, failures: Sequence[Failure], report: FetchReport) -> None:
        self.failures = tuple(failures)
        self.report = report
        n_files = len(self.failures) + len(report.downloaded) + len(report.unchanged)
        head = f"{len(self.failures)} of {n_files} files could not be fetched; what was there of them before is untouched:"
        super().__init__("\n  ".join([head, *_in_words(self.failures)]))


def _in_words(failures: Sequence[Failure]) -> list[str]:
    """A line a file, then what to do, once for the files of the same remedy; the same reason is said once, too."""
    lines = []
    for remedy in dict.fromkeys(one.remedy for one in failures):
        ours = [one for one in failures if one.remedy == remedy]
        for reason in dict.fromkeys(ATTEMPTS.sub("", one.reason) for one in ours):
            first, *others = [one for one in ours if ATTEMPTS.sub("", one.reason) == reason]
            lines += [f"{first.file}: {first.reason}", *(f"{one.file}: the same" for one in others)]
        lines.append(f"  -> {remedy}")
    return lines


def fetch(
    files: Sequence[str],
    base_url: str,
    destination: Path,
    *,
    console: Console | None = None,
    attempts: int = 5,
    backoff_seconds: float = 1.0,
) -> FetchReport:
    """Bring `files`, paths relative to `base_url`, to the same paths under `destination`, unless they are there already.

    `base_url` is an http(s) or file: URL or a folder. Over HTTP a passing fault is met with up to `attempts` requests a file,
    after pauses of `backoff_seconds` doubled each time. All files are tried; then FetchFailed lists those that failed.
    """
    started = time.monotonic()
    names = list(dict.fromkeys(files))
    downloaded: list[str] = []
    unchanged: list[str] = []
    failures: list[Failure] = []
    with ExitStack() as stack:
        meter = stack.enter_context(Meter(console or PlainConsole(stderr=True), len(names)))
        try:
            stack.enter_context(_alone_in(destination))
            origin = stack.enter_context(closing(origin_of(base_url, attempts, backoff_seconds)))
        except Refused as refusal:
            failures = [Failure(name, refusal.reason, refusal.remedy) for name in names]
        else:
            arrivals = _Arrivals(origin, destination, meter)
            for name in names:
                meter.start_file(name)
                try:
                    (downloaded if arrivals.bring_in(name) else unchanged).append(name)
                except Refused as refusal:
                    failures.append(Failure(name, refusal.reason, refusal.remedy))
                except OSError as error:
                    failures.append(Failure(name, str(error), f"check the free space and the permissions of {destination}"))
                meter.end_file()
    report = FetchReport(tuple(downloaded), tuple(unchanged), meter.bytes, time.monotonic() - started)
    if failures:
        raise FetchFailed(failures, report)
    return report


class _Arrivals:
    """Files on their way from an origin into a folder, and the records of those that came."""

    def __init__(self, origin: Origin, destination: Path, meter: Meter) -> None:
        self.origin = origin
        self.destination = destination
        self.meter = meter
        self.records = read_manifest(destination)

    def bring_in(self, name: str) -> bool:
        """Make `name` the current version: True if it was downloaded, False if it was there. Raises Refused or OSError."""
        _check_name(name)
        target = self.destination / name
        record = self.records.get(name)
        kept = record.version if record and record.describes(target) else None
        # The spelling that was the right one last time goes first.
        spellings = sorted(_spellings(name), key=lambda spelling: kept is None or self.origin.address(spelling) != kept.url)
        absences = []
        for spelling in spellings:
            known = kept if kept and kept.url == self.origin.address(spelling) else None
            part = target.with_name(f"{target.name}.part")
            try:
                version = self.origin.bring(spelling, part, known, self.meter)
                if version:
                    _check_content(part, target, version.url)
            except NotThere as absence:
                absences.append(absence)
                continue
            if version:
                size, sha256 = part.stat().st_size, sha256_of(part)
                move_into_place(part, target)
                self.records[name] = Record(version.url, size, sha256, version.etag, version.last_modified, datetime.now(UTC))
                write_manifest(self.destination, self.records)
            _discard(part)
            return version is not None
        raise Refused(f"{absences[0].reason} (spellings tried: {len(absences)})", absences[0].remedy)


def _check_name(name: str) -> None:
    path = PurePosixPath(name)
    is_plain = name == str(path) and path.name and not path.is_absolute() and ".." not in path.parts and name.isprintable()
    if not is_plain or "\\" in name or name == MANIFEST or path.suffix == ".part":
        raise Refused(
            "this is not a plain path inside the destination folder", "correct the name where the source lists its files"
        )


def _spellings(name: str) -> list[str]:
    """The name as asked for, then with stem and extension in other letter cases: on CDC's site they vary."""
    path = PurePosixPath(name)
    stems = (path.stem, path.stem.lower(), path.stem.upper())
    suffixes = (path.suffix, path.suffix.lower(), path.suffix.upper())
    return list(dict.fromkeys(str(path.with_name(stem + suffix)) for stem in stems for suffix in suffixes))


def _check_content(part: Path, target: Path, url: str) -> None:
    """CDC's site answers 200 with a page that says that there is no such file: that is the file's absence."""
    if target.suffix.lower() != ".xpt":
        return
    with part.open("rb") as stream:
        beginning = stream.read(len(SAS_TRANSPORT_HEADER))
    if beginning != SAS_TRANSPORT_HEADER:
        _discard(part)
        found = "a web page" if beginning.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<") else "something else"
        raise NotThere(
            f"what came from {url} is not a SAS transport file but {found}", "open it in a browser: was the file moved?"
        )


def _discard(part: Path) -> None:
    note_of(part).unlink(missing_ok=True)
    part.unlink(missing_ok=True)


@contextmanager
def _alone_in(destination: Path) -> Iterator[None]:
    """Two fetches into one folder would write into each other's files."""
    try:
        destination.mkdir(parents=True, exist_ok=True)
        folder = os.open(destination, os.O_RDONLY)
    except OSError as error:
        raise Refused(f"the destination cannot be used: {error}", "check the path and its permissions") from error
    try:
        try:
            flock(folder, LOCK_EX | LOCK_NB)
        except BlockingIOError as error:
            raise Refused(f"another fetch into {destination} is under way", "wait until it has ended") from error
        except OSError:
            pass  # Some network file systems have no locks.
        yield
    finally:
        os.close(folder)
