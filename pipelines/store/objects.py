"""Immutable Parquet objects, named by their content, and the sidecars that say how they were made.

An object is the rows of one table from one source and wave. A sidecar is named by its recipe: the hash of everything that
went into the object. The same recipe means that nothing needs to be parsed or computed again; several recipes may lead to
the same content. Nothing in here knows what a delivery or an estimate is.
"""

import hashlib
import json
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from pipelines.machine.errors import StoreDamaged
from pipelines.machine.files import READ_ONLY, replace_text, set_aside, sha256_of_file, sync_file, sync_folder, temporary_beside
from pipelines.machine.sealed import Unsound, read_sealed, sealed
from pipelines.store.acceptance import Acceptance

ROW_GROUP_ROWS = 245_760
"""Twice DuckDB's own row group: large enough to scan fast, small enough to spread over threads."""

LARGEST_DICTIONARY = 2**17
"""Bytes of the different values of a column in a row group; with more of them, as weights have, they are written as they are."""

LONGEST_TICK_NS = 100_000_000
"""Of the clock that a file system takes its times from; one step is 10 ms at most on Linux."""

MOST_SIDECARS = 5_000
"""That are remembered as they were read: those of a night of many waves."""

ACCEPTED = "accepted"
"""The folder of the store that says what is accepted."""

FORMAT_FILE = "format"
FORMAT = 1
"""Which store this program reads and writes; goes up when an older version would misread it."""

Verdict = Literal["accepted", "rejected", "not_applicable"]


def digest(value: Any) -> str:
    """SHA-256 of the canonical JSON of `value`."""
    return hashlib.sha256(json.dumps(value, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


@dataclass(frozen=True, order=True)
class Place:
    """Where the objects of one table, source and wave live: `<schema>/<table>/<source>/<wave>`."""

    schema: str
    table: str
    source: str
    wave: str

    @property
    def name(self) -> str:
        return f"{self.schema}.{self.table}"

    def __str__(self) -> str:
        return f"{self.name} {self.source} {self.wave}"

    @classmethod
    def parse(cls, text: str) -> "Place":
        """The place that `str()` wrote."""
        name, source, wave = text.split(" ", maxsplit=2)
        schema, table = name.split(".")
        return cls(schema, table, source, wave)


class Sidecar(BaseModel):
    """How an object was made and judged. `content` is None where nothing could be made."""

    model_config = ConfigDict(frozen=True)

    table: str
    source: str
    wave: str
    recipe: str
    ingredients: dict[str, str]
    inputs: dict[str, str] = Field({}, description="Place of each input object -> its content hash.")
    content: str | None
    rows: int
    delivered_columns: dict[str, str] = Field({}, description="Column -> type in the delivered file, where there was one.")
    columns_read: list[str] = Field([], description="Columns of the respondent table whose values an estimator has taken.")
    of_all_waves: dict[str, str] = Field({}, description="What an estimator asked of all waves together -> digest of the answer.")
    verdict: Verdict
    problems: list[str] = []
    is_final: bool = Field(True, description="Whether the same ingredients would be judged the same on any machine, at any time.")
    results: list[dict[str, Any]] = []
    rejected_rows: str | None = Field(None, description="Content hash of the records that were set aside.")
    n_rejected_rows: int = 0
    made_at: datetime = Field(default_factory=lambda: datetime.now(UTC))


def _without_descriptions(schema: pa.Schema) -> pa.Schema:
    """Names and types only: an edited description must not make other content."""
    return pa.schema([pa.field(field.name, field.type, field.nullable) for field in schema])


class Store:
    """The folder `warehouse/store`."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def folder(self, place: Place) -> Path:
        return self.root / place.schema / place.table / place.source / place.wave

    def path(self, place: Place, content: str) -> Path:
        return self.folder(place) / f"{content}.parquet"

    def write(self, place: Place, data: pa.Table | pa.RecordBatchReader) -> tuple[str, int]:
        """Write one object and return its content hash and its number of rows.

        The file is written under a temporary name, synced, named by the SHA-256 of its bytes and made read-only; an object
        that is already there is left alone.
        """
        folder = self.folder(place)
        with temporary_beside(folder, ".parquet") as temporary:
            rows = 0
            batches = data.to_batches(max_chunksize=ROW_GROUP_ROWS) if isinstance(data, pa.Table) else data
            schema = _without_descriptions(data.schema)
            settings = {"compression": "zstd", "store_schema": True, "dictionary_pagesize_limit": LARGEST_DICTIONARY}
            with pq.ParquetWriter(temporary, schema, **settings) as writer:
                for batch in batches:
                    writer.write_batch(batch.replace_schema_metadata(None).cast(schema), row_group_size=ROW_GROUP_ROWS)
                    rows += batch.num_rows
            content = sha256_of_file(temporary)
            path = self.path(place, content)
            if not is_whole(path, anew=True):
                if path.is_dir():
                    set_aside(path)
                temporary.chmod(READ_ONLY)
                sync_file(temporary)
                temporary.replace(path)
                sync_folder(folder)
        return content, rows

    def sidecar(self, place: Place, recipe: str) -> Sidecar | None:
        """The sidecar of a recipe, if it and what it speaks of are whole; otherwise None, so that it is made again."""
        try:
            sidecar = read_sidecar(self.folder(place) / f"{recipe}.json")
        except Unsound:
            return None
        return sidecar if sidecar and all(map(is_whole, self.paths_of(place, sidecar))) else None

    def paths_of(self, place: Place, sidecar: Sidecar) -> list[Path]:
        """The files that a sidecar speaks of: its object, and the list of the records that were set aside from it."""
        aside = Place("meta", "rejected_rows", place.source, f"{place.wave}.{place.table}")
        named = [(place, sidecar.content), (aside, sidecar.rejected_rows)]
        return [self.path(where, content) for where, content in named if content]

    def sidecar_of_content(self, place: Place, content: str) -> Sidecar:
        """A sidecar that led to this content; the accepted one if there are several. Raises StoreDamaged where there is none."""
        sidecar = self._explaining(place, content)
        if sidecar is None:
            raise StoreDamaged(
                f"nothing in {self.folder(place)} says how object {content[:12]} of {place} was made, which an accepted object "
                "rests on: restore the store from a backup, or delete it and refresh"
            )
        return sidecar

    def recipe_of_content(self, place: Place, content: str) -> str | None:
        """The recipe that led to this content: the accepted one if there are several, None where there is none."""
        sidecar = self._explaining(place, content)
        return sidecar.recipe if sidecar else None

    def _explaining(self, place: Place, content: str) -> Sidecar | None:
        accepted = self.acceptance(place.source, place.wave).tables.get(place.name)
        for path in sorted(self.folder(place).glob("*.json"), key=lambda path: (path.stem != accepted, path.stem)):
            try:
                sidecar = read_sidecar(path)
            except Unsound:
                continue
            if sidecar and sidecar.content == content and sidecar.verdict != "rejected":
                return sidecar
        return None

    def record(self, place: Place, sidecar: Sidecar) -> None:
        replace_text(self.folder(place) / f"{sidecar.recipe}.json", sealed(sidecar.model_dump_json()))

    def accepted(self, place: Place) -> Sidecar | None:
        """The sidecar of the accepted object of a place, or None where nothing was accepted yet.

        Raises StoreDamaged where the accepted object is gone or not what was written: it must never be taken for one that was
        never there, nor be published.
        """
        recipe = self.acceptance(place.source, place.wave).tables.get(place.name)
        if recipe is None:
            return None
        sidecar = self.sidecar(place, recipe)
        if sidecar is None:
            raise StoreDamaged(
                f"the accepted object of {place} is missing from {self.folder(place)}, or not what was written there: run "
                f"cramp-atlas refresh, which makes it again{_from_landing(place)}; otherwise restore the store from a backup"
            )
        return sidecar

    def acceptance_path(self, source: str, wave: str) -> Path:
        return self.root / ACCEPTED / source / f"{wave}.json"

    def acceptance(self, source: str, wave: str) -> Acceptance:
        """What is accepted of one source and wave; raises StoreDamaged where the file is not what was written."""
        path = self.acceptance_path(source, wave)
        try:
            return Acceptance.model_validate(read_sealed(path) or {})
        except (Unsound, ValidationError) as error:
            raise StoreDamaged(
                f"{path} is not what was written, so that nobody knows what is accepted of {source} {wave}: run cramp-atlas "
                "refresh, which takes it from the newest release and judges what is in landing anew"
            ) from error

    def set_acceptance(self, source: str, wave: str, acceptance: Acceptance) -> None:
        """Replace what is accepted of one source and wave, in one step; nothing is written where nothing changed."""
        if acceptance != self.acceptance(source, wave):
            self.require_readable()
            if not (self.root / FORMAT_FILE).exists():
                replace_text(self.root / FORMAT_FILE, f"{FORMAT}\n")
            replace_text(self.acceptance_path(source, wave), sealed(acceptance.model_dump_json()))

    def require_readable(self) -> None:
        """Raise StoreDamaged where a newer version of this program has written the store: nothing in it may be judged by us."""
        path = self.root / FORMAT_FILE
        if not path.exists():
            return
        told = path.read_text(encoding="utf-8", errors="replace").strip() if path.is_file() else ""
        if not told.isdecimal():
            raise StoreDamaged(f"{path} does not say by which version the store was written: it should hold {FORMAT}; write it")
        if int(told) > FORMAT:
            raise StoreDamaged(
                f"{self.root} was written by a newer version of cramp-atlas (format {told}, this one reads up to {FORMAT}): "
                "use that version, or restore the warehouse from before it"
            )


def read_sidecar(path: Path) -> Sidecar | None:
    """The sidecar in a file, None where there is none; raises Unsound where it is not what was written under this name. A file
    that nobody touched is read once in a process."""
    state = _state(path) if path.is_file() else None
    return _read(path, state) if state and state.is_settled else _read_now(path)


@lru_cache(maxsize=MOST_SIDECARS)
def _read(path: Path, _: "_State") -> Sidecar | None:
    return _read_now(path)


def _read_now(path: Path) -> Sidecar | None:
    content = read_sealed(path)
    if content is None:
        return None
    try:
        sidecar = Sidecar.model_validate(content)
    except ValidationError as error:
        raise Unsound(f"{path} is no sidecar") from error
    if sidecar.recipe != path.stem:
        raise Unsound(f"{path} is the sidecar of another recipe")
    return sidecar


_whole: dict[Path, "_State"] = {}
"""Object -> the state of its file when its bytes were those that its name says."""


def is_whole(path: Path, *, anew: bool = False) -> bool:
    """Whether an object is there and its bytes are those that its name says. A file that nobody touched is hashed once in a
    process, unless `anew`."""
    if not path.is_file():
        return False
    state = _state(path)
    if anew or _whole.get(path) != state:
        _whole.pop(path, None)
        is_settled = state.is_settled
        if sha256_of_file(path) != path.stem:
            return False
        if is_settled:
            _whole[path] = state
    return True


class _State(NamedTuple):
    """What differs where anybody has touched a file."""

    device: int
    inode: int
    size: int
    modified_ns: int
    changed_ns: int

    @property
    def is_settled(self) -> bool:
        """Whether the next change will have other times than the last: clocks of file systems tick in steps."""
        return time.time_ns() - max(self.modified_ns, self.changed_ns) > LONGEST_TICK_NS


def _state(path: Path) -> _State:
    status = path.stat()
    return _State(status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)


def _from_landing(place: Place) -> str:
    return " if its delivery is in landing" if place.schema == "raw" else ""
