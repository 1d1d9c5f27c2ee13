"""Where delivered files come from: a site (http, https) or a folder. An origin brings one file into a `.part` file.

What does not belong here: what a file must look like, where it is kept in the end, and what is remembered of it.
"""

import re
import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from os import fsync
from pathlib import Path
from typing import Protocol
from urllib.parse import quote, urlsplit
from urllib.request import url2pathname

import httpx
from pydantic import TypeAdapter, ValidationError

from pipelines.landing.fetch.meter import Meter

TIMEOUT = httpx.Timeout(60.0, connect=15.0)
"""Seconds: to connect, and without a single byte after that."""
LONGEST_WAIT_SECONDS = 300.0
"""No pause is longer; a server that asks for more is not waited for."""
CHUNK_BYTES = 1 << 20


class Refused(Exception):
    """This file cannot be had, and asking again now would not help."""

    def __init__(self, reason: str, remedy: str) -> None:
        super().__init__(reason)
        self.reason = reason
        self.remedy = remedy


class NotThere(Refused):
    """There is no such file at this address; another spelling of its name may exist."""


class Interrupted(Exception):
    """The transfer failed in a way that may pass; `wait_seconds` is the pause that the server asked for."""

    def __init__(self, reason: str, wait_seconds: float = 0.0) -> None:
        super().__init__(reason)
        self.wait_seconds = wait_seconds


class Unreachable(Interrupted):
    """There was no connection at all."""


@dataclass(frozen=True)
class Version:
    """One version of the file at an address. With neither entity tag nor date, two versions cannot be told apart."""

    url: str
    bytes: int | None
    etag: str | None
    last_modified: str | None

    @property
    def resume_condition(self) -> str | None:
        """The value of If-Range: never a weak entity tag, which two different contents may share (RFC 9110, 13.1.5)."""
        return self.last_modified if self.etag is None else self.etag if not self.etag.startswith("W/") else None


class Origin(Protocol):
    def address(self, file: str) -> str:
        """The URL that `file`, a relative path, would have."""

    def bring(self, file: str, part: Path, kept: Version | None, meter: Meter) -> Version | None:
        """Fill `part` with the whole file and flush it to the disk; None where the version `kept` is still the current one.

        Raises NotThere, Refused, or OSError where the disk fails. What came before an interruption stays in `part`, and
        the note beside it says which version it is the beginning of.
        """

    def close(self) -> None: ...


def origin_of(base_url: str, attempts: int, backoff_seconds: float) -> Origin:
    """The origin behind an http(s) or file: URL or a plain folder; Refused for any other address."""
    try:
        url = urlsplit(base_url)
    except ValueError as error:
        raise Refused(f"the address cannot be read: {error}", "correct the base address") from error
    if url.username or url.password:
        raise Refused("the address holds a user name or a password, and addresses are kept in the manifest", "remove it")
    if url.scheme in ("http", "https") and url.netloc:
        return Site(base_url, attempts, backoff_seconds)
    if url.scheme == "file" and url.netloc in ("", "localhost"):
        return Folder(Path(url2pathname(url.path)))
    if url.scheme == "file" or "://" in base_url or not base_url:
        raise Refused("files are fetched from http, https and file: addresses and from folders only", "correct the base address")
    return Folder(Path(base_url).expanduser())


class Folder:
    """A folder on this machine, or one that is mounted. A file is known by its size and the time of its last change."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.resolve()
        if not self.folder.is_dir():
            raise Refused(f"there is no folder {self.folder}", "correct the base address, or make the folder available")

    def address(self, file: str) -> str:
        return (self.folder / file).as_uri()

    def bring(self, file: str, part: Path, kept: Version | None, meter: Meter) -> Version | None:
        source = self.folder / file
        if not source.is_file():
            raise NotThere(f"there is no file {source}", "check the folder and the name of the file")
        version = self._version(file)
        if version == kept:
            return None
        with source.open("rb") as stream:
            _write(part, version, 0, iter(lambda: stream.read(CHUNK_BYTES), b""), meter)
        if self._version(file) != version or part.stat().st_size != version.bytes:
            raise Refused(f"{source} changed while it was being copied", "fetch again when nothing writes to the folder")
        return version

    def close(self) -> None:
        """Nothing is held open."""

    def _version(self, file: str) -> Version:
        status = (self.folder / file).stat()
        return Version(self.address(file), status.st_size, None, datetime.fromtimestamp(status.st_mtime, UTC).isoformat())


class Site:
    """A web server: a transfer is repeated after passing faults, and goes on where it stopped if the file is still the same."""

    def __init__(self, base_url: str, attempts: int, backoff_seconds: float) -> None:
        self.base_url = base_url.rstrip("/")
        self.attempts = attempts
        self.backoff_seconds = backoff_seconds
        self.is_unreachable = False
        # Ranges and sizes count encoded bytes: a compressed answer could be neither resumed nor measured.
        self.client = httpx.Client(follow_redirects=True, timeout=TIMEOUT, headers={"Accept-Encoding": "identity"})

    def address(self, file: str) -> str:
        return f"{self.base_url}/{quote(file)}"

    def bring(self, file: str, part: Path, kept: Version | None, meter: Meter) -> Version | None:
        attempt = 1
        while True:
            try:
                version = self._transfer(self.address(file), part, kept, meter)
                self.is_unreachable = False
                return version
            except Interrupted as interruption:
                # A server that could not be reached in all attempts for one file is asked only once for each further one.
                is_hopeless = self.is_unreachable and isinstance(interruption, Unreachable)
                if attempt >= self.attempts or is_hopeless:
                    self.is_unreachable = isinstance(interruption, Unreachable)
                    remedy = "check the connection and fetch again: what is complete is not downloaded twice"
                    raise Refused(f"{interruption} (attempts: {attempt})", remedy) from interruption
                backoff = min(self.backoff_seconds * 2 ** (attempt - 1), LONGEST_WAIT_SECONDS)
                wait = max(backoff, interruption.wait_seconds)
                meter.remark(f"{interruption}; again in {wait:.0f} s")
            time.sleep(wait)
            attempt += 1

    def close(self) -> None:
        self.client.close()

    def _transfer(self, url: str, part: Path, kept: Version | None, meter: Meter) -> Version | None:
        """One request; raises Interrupted where another one may do better."""
        begun = _begun(part, url)
        offset = part.stat().st_size if begun else 0
        try:
            with self.client.stream("GET", url, headers=_conditions(kept, begun, offset)) as response:
                version = _offered(url, response)
                if kept and (response.status_code == 304 or (response.status_code == 200 and version == kept)):
                    return None
                _check_status(response, url)
                if response.status_code == 200:
                    offset = 0
                elif begun and _continues(response, begun, offset):
                    version = begun
                else:
                    part.unlink(missing_ok=True)
                    raise Interrupted(f"{url} changed while it was being downloaded")
                _write(part, version, offset, response.iter_raw(), meter)
        except (httpx.UnsupportedProtocol, httpx.TooManyRedirects, httpx.InvalidURL) as error:
            raise Refused(f"{url} cannot be followed: {error}", "correct the base address; it must stay http or https") from error
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            raise Unreachable(f"no connection to {_host(url)}: {error}") from error
        except httpx.TimeoutException as error:
            raise Interrupted(f"{_host(url)} stopped answering") from error
        except httpx.TransportError as error:
            raise Interrupted(f"{_host(url)} dropped the connection: {error}") from error
        size = part.stat().st_size
        if version.bytes not in (None, size):
            raise Interrupted(f"{size:,} of {version.bytes:,} bytes of {url} arrived")
        return version


def _begun(part: Path, url: str) -> Version | None:
    """The version that `part` holds the beginning of, if it came from `url` and the rest can be asked for safely."""
    try:
        begun = _NOTE.validate_json(note_of(part).read_bytes())
    except (FileNotFoundError, ValidationError):
        return None
    is_safe = begun.url == url and begun.bytes is not None and begun.resume_condition is not None
    return begun if is_safe and part.is_file() and part.stat().st_size > 0 else None


def _conditions(kept: Version | None, begun: Version | None, offset: int) -> dict[str, str]:
    """Request headers: send nothing if `kept` is current, only the rest if `begun` is, everything otherwise."""
    headers = {}
    if kept and kept.etag:
        headers["If-None-Match"] = kept.etag
    elif kept and kept.last_modified:
        headers["If-Modified-Since"] = kept.last_modified
    if begun and begun.resume_condition:
        headers |= {"Range": f"bytes={offset}-", "If-Range": begun.resume_condition}
    return headers


def _offered(url: str, response: httpx.Response) -> Version:
    """The version that an answer carries. A date less than a second old does not tell two versions apart (RFC 9110, 8.8.2.2)."""
    length = response.headers.get("content-length")
    modified = response.headers.get("last-modified")
    is_settled = _seconds_between(modified, response.headers.get("date")) >= 1
    return Version(url, int(length) if length else None, response.headers.get("etag"), modified if is_settled else None)


def _check_status(response: httpx.Response, url: str) -> None:
    """Let through a 200, a 206 and a 416, which says that a beginning does not fit, if their length will be known."""
    status = response.status_code
    answer = f"{_host(url)} answered {status} {response.reason_phrase}".rstrip()
    if status == 404:
        raise NotThere(f"{answer} for {url}", "check the base address and the name of the file")
    if status == 429 or status >= 500:
        wait = _requested_wait(response)
        if wait > LONGEST_WAIT_SECONDS:
            raise Refused(f"{answer} and asks for a pause of {wait:.0f} s", "fetch again after that pause")
        raise Interrupted(answer, wait)
    if status not in (200, 206, 416):
        raise Refused(f"{answer} for {url}", "check that the address is right and open to you")
    by_hand = "download the file by hand and fetch it from the folder"
    if response.headers.get("content-encoding", "identity") != "identity":
        raise Refused(f"{_host(url)} sent {url} compressed although it was asked not to", by_hand)
    if "content-length" not in response.headers and response.headers.get("transfer-encoding") != "chunked":
        raise Refused(f"{_host(url)} does not say how long {url} is, so that a broken download would look whole", by_hand)


def _continues(response: httpx.Response, begun: Version, offset: int) -> bool:
    """Whether the answer is the rest of `begun`: checked here too, because some servers heed Range and ignore If-Range."""
    place = re.fullmatch(r"bytes (\d+)-\d+/(\d+)", response.headers.get("content-range", ""))
    validators = {"etag": begun.etag, "last-modified": begun.last_modified}
    is_same = all(response.headers.get(name, value) == value for name, value in validators.items() if value)
    return place is not None and is_same and (int(place[1]), int(place[2])) == (offset, begun.bytes)


def _write(part: Path, version: Version, offset: int, chunks: Iterable[bytes], meter: Meter) -> None:
    """Put `chunks` behind the first `offset` bytes of `part`; a new beginning is noted before its first byte."""
    part.parent.mkdir(parents=True, exist_ok=True)
    if offset == 0:
        part.unlink(missing_ok=True)
        note_of(part).write_bytes(_NOTE.dump_json(version))
    meter.begin(offset, version.bytes)
    with part.open("ab") as stream:
        for chunk in chunks:
            stream.write(chunk)
            meter.receive(len(chunk))
        stream.flush()
        fsync(stream.fileno())


_NOTE = TypeAdapter(Version)


def note_of(part: Path) -> Path:
    """Where it is noted which version `part` is the beginning of."""
    return part.with_name(f"{part.name}.json")


def _requested_wait(response: httpx.Response) -> float:
    """Seconds asked for by Retry-After, given as a number or as a date; 0 where there is none."""
    asked = response.headers.get("retry-after", "")
    return float(asked) if asked.isdecimal() else max(0.0, _seconds_between(response.headers.get("date"), asked))


def _seconds_between(earlier: str | None, later: str | None) -> float:
    """Seconds from one HTTP date to another; 0 where either is absent or unreadable."""
    try:
        return (parsedate_to_datetime(later or "") - parsedate_to_datetime(earlier or "")).total_seconds()
    except (TypeError, ValueError):
        return 0.0


def _host(url: str) -> str:
    return urlsplit(url).netloc
