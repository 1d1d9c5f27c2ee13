"""The words of the study for what report rows name by column, and which rows are shown first."""

from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass

from pipelines.project.respondents import POOLED
from pipelines.project.sources import Source
from pipelines.project.study import Study
from pipelines.release.formatting import Row


@dataclass(frozen=True)
class Labels:
    """The words of the study and of one source for what the tables name by column."""

    study: Study
    source: Source

    @property
    def exposures(self) -> dict[str, str]:
        return {name: exposure.label for name, exposure in self.study.exposures.items()}

    @property
    def characteristics(self) -> list[str]:
        """In the order in which they describe people: continuous ones, then those with levels, exposures last."""
        return [*self.study.characteristics.continuous, *self.study.categorical_characteristics]

    def characteristic(self, name: str) -> str:
        """What the study calls a column that describes people."""
        named = self.study.characteristics.categorical | self.study.characteristics.continuous
        return named[name].label if name in named else self.exposures.get(name) or self.names(name).capitalize()

    def knows(self, row: Row) -> bool:
        """Whether the study still names what a row is about: a table that is held back may be older than study.yaml."""
        named: dict[str, Container[str]] = {
            "population": self.study.populations,
            "outcome": self.study.outcomes,
            "exposure": self.study.exposures,
            "characteristic": self.characteristics,
        }
        return all(row.get(key) is None or row[key] in names for key, names in named.items())

    def by_population(self, rows: Sequence[Row]) -> list[list[Row]]:
        """The rows of each population that has some, in the order of the study."""
        found = [[row for row in rows if row["population"] == name] for name in self.study.populations]
        return [of_population for of_population in found if of_population]

    def in_study_order(self, row: Row) -> tuple[int, bool, str]:
        """Sorts rows by population, then by wave with the pooled ones last."""
        return list(self.study.populations).index(row["population"]), row["wave"] == POOLED, row["wave"]

    @property
    def interval(self) -> str:
        return f"{100 * self.study.confidence_level:g} % CI"

    def names(self, columns: str | None) -> str:
        """Columns, separated by commas, in words."""
        return (columns or "").replace("_", " ")

    def waves(self, rows: Iterable[Row]) -> list[str]:
        return sorted({row["wave"] for row in rows}, key=lambda wave: (wave == POOLED, wave))


def latest(rows: Sequence[Row]) -> list[Row]:
    """The rows of the pooled waves, or of the last wave of a source that pools none."""
    waves = {row["wave"] for row in rows}
    return [row for row in rows if row["wave"] == (POOLED if POOLED in waves else max(waves))]


def best_of_waves(rows: Sequence[Row]) -> list[Row]:
    """Rows of report.odds_ratios: the pooled waves where these have an estimate, otherwise each wave. Matched studies each."""
    pooled = {row["exposure"] for row in rows if row["wave"] == POOLED and row["odds_ratio"] is not None}
    return [
        row
        for row in rows
        if row["model"] == "matched" or (row["wave"] == POOLED if row["exposure"] in pooled else row["wave"] != POOLED)
    ]
