"""Rows that stand: those of waves whose respondents are what they were, taken over from the accepted table.

A row about one wave hangs on its respondents, on settings and code, and on what was asked of all waves together: which columns
anybody answered and which levels occur. The last is noted beside the table, and where it is another now nothing stands.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import polars as pl

from pipelines.project.project import Project
from pipelines.store import Place
from pipelines.store.recipe import Plan

OF_POOLS = ("waves", "comparability")
"""Ingredients that rows about one wave do not hang on."""


@dataclass(frozen=True)
class Standing:
    """The rows that stand, of these waves, with the columns read for the table and what all waves had when it was made."""

    waves: frozenset[str] = frozenset()
    rows: pl.DataFrame = field(default_factory=pl.DataFrame)
    columns_read: frozenset[str] = frozenset()
    of_all_waves: Mapping[str, str] = field(default_factory=dict)

    def holds(self, of_all_waves: Mapping[str, str]) -> bool:
        """Whether all waves together are asked for the same and have the same as then; where nothing stands that is so."""
        return not self.waves or all(self.of_all_waves.get(question) == answer for question, answer in of_all_waves.items())


def standing_rows(project: Project, plan: Plan) -> Standing:
    """What stands of the accepted table that a plan would replace."""
    place, source = plan.place, project.sources[plan.place.source]
    recipe = project.store.acceptance(place.source, place.wave).tables.get(place.name)
    accepted = project.store.sidecar(place, recipe) if recipe else None
    if not accepted or not accepted.content or source.imputed or _of_one(accepted.ingredients) != _of_one(plan.ingredients):
        return Standing()
    before = {Place.parse(read): content for read, content in accepted.inputs.items()}
    waves = frozenset(read.wave for read, content in plan.inputs.items() if before.get(read) == content)
    if not waves:
        return Standing()
    rows = pl.read_parquet(project.store.path(place, accepted.content)).filter(pl.col("wave").is_in(sorted(waves)))
    return Standing(waves, rows, frozenset(accepted.columns_read), accepted.of_all_waves)


def _of_one(ingredients: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in ingredients.items() if name not in OF_POOLS}
