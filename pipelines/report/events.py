"""What is estimated of events: the rows of one source, wave by wave, and what the study asks of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import duckdb

from pipelines.machine.quoting import literal
from pipelines.project.drug_classes import DrugClasses
from pipelines.project.sources import Source
from pipelines.project.study import Study


@dataclass(frozen=True)
class Events:
    """The events of one source, bound in `connection` under the name `table`.

    `waves` are those that hold events. A wave is one extract: who begins is told from its own days. `drug_classes`: those of the
    version that the study names. `columns_read` notes the columns whose values an estimator has taken.
    """

    connection: duckdb.DuckDBPyConnection
    table: str
    study: Study
    source: Source
    waves: Sequence[str]
    drug_classes: DrugClasses = field(default_factory=dict)
    columns_read: set[str] = field(default_factory=set)

    @property
    def columns(self) -> list[str]:
        return self.connection.sql(f"select * from {self.table} limit 0").columns

    def of_wave(self, wave: str) -> str:
        """The rows of a wave, as what stands after `from`."""
        return f"(select * from {self.table} where wave = {literal(wave)}) as events"

    def key(self, wave: str) -> Mapping[str, Any]:
        """The columns that every row about a wave has."""
        return {
            "source": self.source.source,
            "wave": wave,
            "is_suppressed": False,
            "is_synthetic": self.source.is_synthetic,
        }
