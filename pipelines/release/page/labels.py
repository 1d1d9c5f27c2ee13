"""The words of the study and of a source for what report tables name by column, and the order in which readers see it."""

from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass

from pipelines.project.respondents import POOLED
from pipelines.project.sources import Source
from pipelines.project.study import Study
from pipelines.release.formatting import SYNTHETIC, Row


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
        return [*self.study.continuous_characteristics, *self.study.categorical_characteristics]

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

    def number_of_outcome(self, row: Row) -> int:
        """Where the outcome of a row stands in the order of the study; a row of none is first."""
        outcomes = list(self.study.outcomes)
        return outcomes.index(row["outcome"]) if row.get("outcome") in outcomes else -1

    def in_study_order(self, row: Row) -> tuple[int, int]:
        """Sorts rows by population, then by wave."""
        return list(self.study.populations).index(row["population"]), self.number_of_wave(row["wave"])

    def about(self, population: str | None = None) -> str:
        """What stands beside every title: of whom it is, of which source, and whether that is synthetic."""
        source = self.source.title + (f" ({SYNTHETIC})" if self.source.is_synthetic else "")
        return f"{self.study.populations[population].label}; {source}" if population else source

    @property
    def interval(self) -> str:
        return f"{100 * self.study.confidence_level:g} % CI"

    def names(self, columns: str | None) -> str:
        """Columns, separated by commas, in words."""
        return (columns or "").replace("_", " ")

    def number_of_wave(self, wave: str) -> int:
        """Where a wave stands in the order of the source's file; the pooled ones are last."""
        declared = self.source.study_waves
        return declared.index(wave) if wave in declared else len(declared) + (wave == POOLED)

    def waves(self, rows: Iterable[Row]) -> list[str]:
        """The waves that have rows, as the source's file lists them, the pooled ones last."""
        return sorted({row["wave"] for row in rows}, key=lambda wave: (self.number_of_wave(wave), wave))

    def latest(self, rows: Sequence[Row]) -> list[Row]:
        """The rows of the pooled waves, or of the last wave of a source that pools none."""
        waves = self.waves(rows)
        return [row for row in rows if row["wave"] == waves[-1]]


def best_of_waves(rows: Sequence[Row]) -> list[Row]:
    """Rows of report.odds_ratios: the pooled waves where these have an estimate, otherwise each wave. Matched studies each."""
    pooled = {row["exposure"] for row in rows if row["wave"] == POOLED and row["odds_ratio"] is not None}
    return [
        row
        for row in rows
        if row["model"] == "matched" or (row["wave"] == POOLED if row["exposure"] in pooled else row["wave"] != POOLED)
    ]
