"""What a contract says of one column, and the physical types it may promise."""

from dataclasses import dataclass
from typing import Literal

import polars as pl
import pyarrow as pa

PhysicalType = Literal["VARCHAR", "DOUBLE", "INTEGER", "BIGINT", "BOOLEAN", "DATE", "TIMESTAMP"]

LIST = "[]"
"""Ends the name of a type of lists, which tables that are made may have."""

ARROW_TYPES: dict[str, pa.DataType] = {
    "VARCHAR": pa.string(),
    "DOUBLE": pa.float64(),
    "INTEGER": pa.int32(),
    "BIGINT": pa.int64(),
    "BOOLEAN": pa.bool_(),
    "DATE": pa.date32(),
    "TIMESTAMP": pa.timestamp("us"),
}
ARROW_TYPES |= {f"{kind}{LIST}": pa.list_(of_items) for kind, of_items in ARROW_TYPES.items()}
POLARS_TYPES: dict[str, pl.DataType] = {
    "VARCHAR": pl.String(),
    "DOUBLE": pl.Float64(),
    "INTEGER": pl.Int32(),
    "BIGINT": pl.Int64(),
    "BOOLEAN": pl.Boolean(),
    "DATE": pl.Date(),
    "TIMESTAMP": pl.Datetime("us"),
}
POLARS_TYPES |= {f"{kind}{LIST}": pl.List(of_items) for kind, of_items in POLARS_TYPES.items()}
LOGICAL_TYPES: dict[str, frozenset[str]] = {
    "VARCHAR": frozenset({"string"}),
    "DOUBLE": frozenset({"number"}),
    "INTEGER": frozenset({"integer"}),
    "BIGINT": frozenset({"integer"}),
    "BOOLEAN": frozenset({"boolean"}),
    "DATE": frozenset({"date"}),
    "TIMESTAMP": frozenset({"timestamp"}),
}
LOGICAL_TYPES |= {f"{kind}{LIST}": frozenset({"array"}) for kind in LOGICAL_TYPES}
WHOLE_NUMBER_TYPES = frozenset({"INTEGER", "BIGINT"})
NUMERIC_TYPES = WHOLE_NUMBER_TYPES | {"DOUBLE"}


@dataclass(frozen=True)
class Column:
    """One column of a table: its physical DuckDB type, what it means, and which waves asked it.

    `missing` are the texts of a delivery that mark a missing value in it. `label` is what readers call it, and `levels` are
    pairs of a level and its words, where the contract says them.
    """

    name: str
    type: str
    description: str
    required: bool = False
    unique: bool = False
    key_position: int | None = None
    unit: str | None = None
    question: str | None = None
    waves: tuple[str, ...] | None = None
    codebook_variable: str | None = None
    classification: str | None = None
    missing: tuple[str, ...] = ()
    label: str | None = None
    levels: tuple[tuple[str, str], ...] = ()

    def is_asked_in(self, wave: str | None) -> bool:
        """Whether a wave has this column. No list of waves means every wave; without a wave the question is not put."""
        return wave is None or self.waves is None or wave in self.waves

    @property
    def comment(self) -> str:
        """Description, unit and question in one text, for people who browse the table."""
        parts = [self.description.strip()]
        if self.unit and f"({self.unit})" not in self.description:
            parts.append(f"Unit: {self.unit}.")
        if self.question:
            parts.append(f"Question: {self.question.strip()}")
        if self.waves:
            parts.append(f"Waves: {', '.join(self.waves)}.")
        first, *rest = parts
        return " ".join([first if not rest or first.endswith((".", "?", "!")) else f"{first}.", *rest])
