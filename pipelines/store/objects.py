"""Immutable Parquet objects, named by their content, and the sidecars that say how they were made.

An object is the rows of one table from one source and wave. A sidecar is named by its recipe: the hash of everything that
went into the object. The same recipe means that nothing needs to be parsed or computed again; several recipes may lead to
the same content. Nothing in here knows what a delivery or an estimate is.
"""

import hashlib
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import BaseModel, ConfigDict, Field

from pipelines.machine.errors import StoreDamaged
from pipelines.machine.files import READ_ONLY, replace_text, sha256_of_file, sync_file, sync_folder, temporary_beside
from pipelines.store.acceptance import Acceptance

ROW_GROUP_ROWS = 245_760
"""Twice DuckDB's own row group: large enough to scan fast, small enough to spread over threads."""

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
    verdict: Verdict
    problems: list[str] = []
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
            with pq.ParquetWriter(temporary, schema, compression="zstd", store_schema=True) as writer:
                for batch in batches:
                    writer.write_batch(batch.replace_schema_metadata(None).cast(schema), row_group_size=ROW_GROUP_ROWS)
                    rows += batch.num_rows
            content = sha256_of_file(temporary)
            path = self.path(place, content)
            if not path.exists():
                sync_file(temporary)
                temporary.chmod(READ_ONLY)
                temporary.replace(path)
                sync_folder(folder)
        return content, rows

    def sidecar(self, place: Place, recipe: str) -> Sidecar | None:
        """The sidecar of a recipe, if its object is whole; otherwise None, so that it is made again."""
        path = self.folder(place) / f"{recipe}.json"
        if not path.exists():
            return None
        sidecar = Sidecar.model_validate_json(path.read_text(encoding="utf-8"))
        if sidecar.content and not self.path(place, sidecar.content).exists():
            return None
        return sidecar

    def sidecar_of_content(self, place: Place, content: str) -> Sidecar:
        """A sidecar that led to this content; the accepted one if there are several. Raises StoreDamaged where there is none."""
        recipe = self.recipe_of_content(place, content)
        if recipe is None:
            raise StoreDamaged(
                f"nothing in {self.folder(place)} says how object {content[:12]} of {place} was made, which an accepted object "
                "rests on: restore the store from a backup, or delete it and refresh"
            )
        return Sidecar.model_validate_json((self.folder(place) / f"{recipe}.json").read_text(encoding="utf-8"))

    def recipe_of_content(self, place: Place, content: str) -> str | None:
        """The recipe that led to this content: the accepted one if there are several, None where there is none."""
        accepted = self.acceptance(place.source, place.wave).tables.get(place.name)
        paths = sorted(self.folder(place).glob("*.json"), key=lambda path: (path.stem != accepted, path.stem))
        for path in paths:
            sidecar = Sidecar.model_validate_json(path.read_text(encoding="utf-8"))
            if sidecar.content == content and sidecar.verdict != "rejected":
                return sidecar.recipe
        return None

    def record(self, place: Place, sidecar: Sidecar) -> None:
        replace_text(self.folder(place) / f"{sidecar.recipe}.json", sidecar.model_dump_json(indent=1))

    def accepted(self, place: Place) -> Sidecar | None:
        """The sidecar of the accepted object of a place, or None where nothing was accepted yet.

        Raises StoreDamaged where the accepted object is gone: it must never be taken for one that was never there.
        """
        recipe = self.acceptance(place.source, place.wave).tables.get(place.name)
        if recipe is None:
            return None
        sidecar = self.sidecar(place, recipe)
        if sidecar is None:
            raise StoreDamaged(
                f"the accepted object of {place} is missing from {self.folder(place)}: "
                "put the delivery back into landing and refresh, or restore the store from a backup"
            )
        return sidecar

    def _acceptance_path(self, source: str, wave: str) -> Path:
        return self.root / "accepted" / source / f"{wave}.json"

    def acceptance(self, source: str, wave: str) -> Acceptance:
        path = self._acceptance_path(source, wave)
        return Acceptance.model_validate_json(path.read_text(encoding="utf-8")) if path.exists() else Acceptance()

    def set_acceptance(self, source: str, wave: str, acceptance: Acceptance) -> None:
        """Replace what is accepted of one source and wave, in one step; nothing is written where nothing changed."""
        if acceptance != self.acceptance(source, wave):
            replace_text(self._acceptance_path(source, wave), acceptance.model_dump_json(indent=1))
