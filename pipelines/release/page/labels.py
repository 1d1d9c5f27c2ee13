"""The words of the study and of a source for what report tables name by column, and the order in which readers see it."""

import re
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from pipelines.project.project import Project
from pipelines.project.respondents import POOLED
from pipelines.project.sources import Source
from pipelines.project.study import Study
from pipelines.project.words import LevelWords, column_words, level_words, spelled, within
from pipelines.release.formatting import SYNTHETIC, Row

NAME = re.compile(r"\b[A-Za-z][A-Za-z0-9]*(?:_[A-Za-z0-9]+)+\b")
"""What may be the name of a column within a text."""

KEY = re.compile(r", (?=\w+=)")
"""Parts the key of a row."""

LEVELS = {"exposure_level": "exposure", "reference_level": "exposure", "level": "characteristic"}
"""Column of a report table that holds levels -> the one that names what they are levels of."""

REASONS = ("presentation_reason", "p_value_reason", "reason")
"""Columns of report tables with sentences that may name columns."""


@dataclass(frozen=True)
class Labels:
    """The words of the study and of one source for what the tables name by column; `of` reads them from the project."""

    study: Study
    source: Source
    columns: Mapping[str, str] = field(default_factory=dict)
    levels: LevelWords = field(default_factory=dict)

    @classmethod
    def of(cls, project: Project, source: str) -> "Labels":
        """The words of one source of the project."""
        described = project.sources[source]
        return cls(project.study, described, column_words(project), level_words(project, described))

    def said(self, row: Row) -> Row:
        """A row of a report table with its levels, and the columns that its reasons name, in words."""
        words = {key: self.level(row[of], row[key]) for key, of in LEVELS.items() if row.get(of) and row.get(key)}
        words |= {"sex": self.level("sex", row["sex"])} if row.get("sex") else {}
        words |= {key: self.in_words(row[key]) for key in REASONS if row.get(key)}
        return {**row, **words}

    def named(self, row: Row) -> Row:
        """A row in words, for where it stands alone: also what it is about, by the labels of the study."""
        said = self.said(row)
        answers = {key: YES_OR_NO[said[key]] for key in LEVELS if said.get(key) in YES_OR_NO}
        return {**said, **answers, **names_in(self.study, row)}

    def level(self, column: str, level: str) -> str:
        """A level of a column of the respondents in the words of the contract or of the codebook."""
        words = self.levels.get(column, {})
        return words[level] if level in words else spelled(level)

    def in_words(self, text: str) -> str:
        """A sentence with what the study and the contract call the columns that it names."""
        return NAME.sub(lambda found: f"“{self.columns[found[0]]}”" if found[0] in self.columns else found[0], text)

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
        words = self.exposures.get(name) or self.columns.get(name, spelled(name))
        return named[name].label if name in named else words[:1].upper() + words[1:]

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
        """Columns, separated by commas, in words as they stand within a sentence."""
        words = [within(self.columns.get(name, spelled(name))) for name in (columns or "").split(", ")]
        return ("; " if any("," in name for name in words) else ", ").join(words)

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


YES_OR_NO = {"true": "yes", "false": "no"}

MODELS = {"mantel_haenszel": "Mantel-Haenszel"}
"""How a model is called, where not by its name."""


def names_in(study: Study, row: Row) -> dict[str, str]:
    """What a row is about in the labels of the study: its population, outcome, exposure and model, those that it has."""
    characteristics = {name: of.label for name, of in study.characteristics.categorical.items()}
    characteristics |= {name: of.label for name, of in study.characteristics.continuous.items()}
    labels: dict[str, dict[str, str]] = {
        "population": {name: of.label for name, of in study.populations.items()},
        "outcome": {name: of.label for name, of in study.outcomes.items()},
        "exposure": {name: of.label for name, of in study.exposures.items()},
        "characteristic": {name: of.label for name, of in study.exposures.items()} | characteristics,
        "model": MODELS,
        **{key: {} for key in ("measure", "standard_population", "variable")},
    }
    return {key: words.get(row[key], spelled(str(row[key]))) for key, words in labels.items() if row.get(key)}


def key_in_words(project: Project, source: str | None, row_key: str) -> str:
    """The key of a row as meta.release_changes writes it (`wave=2024, sex=female`), in words."""
    row = dict(pair for pair in (part.split("=", 1) for part in KEY.split(row_key)) if len(pair) == 2)
    said = (
        Labels.of(project, source).named(row) if source and source in project.sources else {**row, **names_in(project.study, row)}
    )
    return ", ".join(f"{spelled(name)} {value}" for name, value in said.items())


def text_in_words(project: Project, text: str) -> str:
    """A text about no source, such as what differs in the making of a number, with the labels of what it names."""
    words = column_words(project) | {name: population.label for name, population in project.study.populations.items()}
    named = NAME.sub(lambda found: f"“{words[found[0]]}”" if found[0] in words else found[0], text)
    return named.replace(".“", " “")


def best_of_waves(rows: Sequence[Row]) -> list[Row]:
    """Rows of report.odds_ratios: the pooled waves where these have an estimate, otherwise each wave. Matched studies each."""
    pooled = {row["exposure"] for row in rows if row["wave"] == POOLED and row["odds_ratio"] is not None}
    return [
        row
        for row in rows
        if row["model"] == "matched" or (row["wave"] == POOLED if row["exposure"] in pooled else row["wave"] != POOLED)
    ]
