"""Standard populations for direct standardisation, from `data_contracts/standard_populations.csv`."""

from dataclasses import dataclass
from pathlib import Path

import polars as pl

from pipelines.machine.errors import ConfigurationError

COLUMNS = ["standard_population", "age_group", "lower_age", "upper_age", "share", "source"]


@dataclass(frozen=True)
class StandardPopulation:
    """Shares of age groups (half-open, in years) that add up to 1 but for rounding."""

    name: str
    groups: pl.DataFrame

    @property
    def shares(self) -> dict[str, float]:
        """Age group -> share."""
        return dict(self.groups.select("age_group", "share").iter_rows())

    @property
    def ages(self) -> tuple[int, int]:
        """The lowest age (held) and the end (not held)."""
        return int(self.groups["lower_age"].min()), int(self.groups["upper_age"].max())  # type: ignore[arg-type]

    def at_most(self, top_code: int | None) -> "StandardPopulation":
        """The same standard for ages of which `top_code` stands for itself and for everything above.

        Groups that begin above it are one with the group that holds it, and so are their shares: nobody can be told to be in
        them.
        """
        merged = self.groups.filter(pl.col("upper_age") > pl.lit(top_code)).sort("lower_age")
        if merged.height < 2 or merged["lower_age"][0] > top_code:
            return self
        one = merged.head(1).with_columns(
            pl.lit(" and ".join(merged["age_group"])).alias("age_group"),
            pl.lit(merged["upper_age"].max(), dtype=merged["upper_age"].dtype).alias("upper_age"),
            pl.lit(merged["share"].sum()).alias("share"),
        )
        return StandardPopulation(self.name, pl.concat([self.groups.join(merged, on="age_group", how="anti"), one]))

    def group_of_age(self, age: str) -> str:
        """The SQL expression for the age group of the SQL expression `age`; NULL outside the standard."""
        cases = " ".join(
            f"when {age} >= {lower} and {age} < {upper} then '{group}'"
            for group, lower, upper in self.groups.select("age_group", "lower_age", "upper_age").iter_rows()
        )
        return f"case {cases} end"


def load_standard_populations(path: Path) -> dict[str, StandardPopulation]:
    """Read the file; raises ConfigurationError where a column is missing or the shares of a standard do not add up to 1."""
    frame = pl.read_csv(path)
    if frame.columns != COLUMNS:
        raise ConfigurationError(f"{path.name} must have the columns {', '.join(COLUMNS)}")
    standards = {}
    for (name,), groups in frame.group_by("standard_population", maintain_order=True):
        total = float(groups["share"].cast(pl.Float64).sum())
        if abs(total - 1) > 1e-5:
            raise ConfigurationError(f"{path.name}: the shares of {name} add up to {total}, not to 1")
        standards[str(name)] = StandardPopulation(str(name), groups)
    return standards
