"""Means that stand: rows of the accepted table of characteristics that rest on what they would rest on now, taken over.

A mean of numbers that are not whole has no cells and reads the respondents. Nothing of it hangs on which exposures are listed, on
what they are called or on what is adjusted for, so that another of these reads nobody again.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import polars as pl
import pyarrow as pa

from pipelines.project.project import Project
from pipelines.project.respondents import POOLED
from pipelines.project.sources import Source
from pipelines.report.estimation import Estimation
from pipelines.store import Place, Sidecar
from pipelines.store.recipe import Plan

TABLE = "report.characteristics_by_outcome"
KEY = ["source", "wave", "population", "outcome", "characteristic", "level"]
"""By which its rows are told apart, and their order."""

SETTING = "study.yaml: "
"""How ingredients begin that are settings of the study."""

NOT_OF_MEANS = ("characteristics.categorical", "odds_ratios.common_outcome_prevalence", "odds_ratios.multiple_testing")
"""Settings that no mean hangs on."""


@dataclass(frozen=True)
class StandingMeans:
    """The rows of means that stand, of these waves (`pooled`: of all together), and the columns that they were made of."""

    waves: frozenset[str] = frozenset()
    rows: pl.DataFrame = field(default_factory=pl.DataFrame)
    columns_read: frozenset[str] = frozenset()

    @property
    def characteristics(self) -> set[str]:
        """The numbers that there are rows of."""
        return set(self.rows["characteristic"]) if self.waves else set()

    def beside(self, others: pa.Table) -> pa.Table:
        """All rows of the table in its order; `others` are those that do not stand, in the table's types."""
        if not self.waves:
            return others
        all_rows = pl.concat([pl.DataFrame(others), self.rows], how="vertical_relaxed").sort(KEY)
        return all_rows.to_arrow().cast(others.schema)


def standing_means(project: Project, plan: Plan, estimation: Estimation) -> StandingMeans:
    """What stands of the accepted table that a plan would replace; `estimation` is that of the plan."""
    accepted = project.store.accepted(plan.place) if plan.place.name == TABLE else None
    if not accepted or not accepted.content or basis(accepted.ingredients) != basis(plan.ingredients):
        return StandingMeans()
    waves = _unchanged(project.sources[plan.place.source], accepted, plan)
    held = pl.read_parquet(project.store.path(plan.place, accepted.content))
    rows = held.filter(pl.col("kind") == "continuous", pl.col("wave").is_in(waves))
    estimated = rows.filter(pl.col("n_cases").is_not_null())
    own = {*estimated["characteristic"], *estimated["weight"].drop_nulls()}
    standing = StandingMeans(frozenset(waves), rows, frozenset(own & set(accepted.columns_read)))
    is_of_all = standing.waves >= {scope.wave for scope in estimation.scopes()}
    asked = standing.characteristics if is_of_all else set(estimation.asked(estimation.study.continuous_characteristics))
    return standing if asked == standing.characteristics else StandingMeans()


def basis(ingredients: Mapping[str, str]) -> list[tuple[str, Any]]:
    """What the means of a table of these ingredients hang on beside the respondents: the populations in their order, too."""
    found = ((name, _of_means(name.removeprefix(SETTING), value)) for name, value in ingredients.items())
    return [(name, value) for name, value in found if value is not None]


def _of_means(name: str, value: str) -> Any:
    """What a mean hangs on in one ingredient, None where it is nothing."""
    if name in NOT_OF_MEANS:
        return None
    match name.partition(".")[0]:
        case "outcomes":
            return name
        case "exposures":  # numbers have means, too
            return None if json.loads(value)["per"] is None else name
        case "adjustment":
            return None if json.loads(value)["form"] is None else name
        case "populations":
            return {key: part for key, part in json.loads(value).items() if key != "label"}
        case "characteristics":
            return sorted(json.loads(value))
    return value


def _unchanged(source: Source, accepted: Sidecar, plan: Plan) -> list[str]:
    """The waves of which the table reads the same respondents as before, and `pooled` where that is so of all."""
    before = {Place.parse(place).wave: content for place, content in accepted.inputs.items()}
    now = {place.wave: content for place, content in plan.inputs.items()}
    waves = [wave for wave in source.study_waves if wave in now and before.get(wave) == now[wave]]
    return [*waves, POOLED] if before == now else waves
