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
