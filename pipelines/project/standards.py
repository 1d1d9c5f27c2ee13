"""Standard populations for direct standardisation, from `data_contracts/standard_populations.csv`."""

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import polars as pl

from pipelines.machine.errors import ConfigurationError
from pipelines.machine.visible import commanding
from pipelines.project.ages import group_of_age

LARGEST_ROUNDING = 1e-5
"""By how much published shares may miss 1."""

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
        return group_of_age(age, self.groups.select("age_group", "lower_age", "upper_age").iter_rows())


def load_standard_populations(path: Path) -> dict[str, StandardPopulation]:
    """Read the file; raises ConfigurationError with everything that is wrong in it, each with its line: a column or a number
    that is missing, groups that overlap, shares that do not add up to 1."""
    problems = _problems(path)
    if problems:
        raise ConfigurationError(problems)
    by_name = pl.read_csv(path).group_by("standard_population", maintain_order=True)
    return {str(name): StandardPopulation(str(name), groups) for (name,), groups in by_name}


def _problems(path: Path) -> list[str]:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        return [f"{path}: byte {error.start} is not UTF-8. Save the file as UTF-8."]
    except OSError as error:
        return [f"{path}: cannot be read: {(error.strerror or 'no reason is given').lower()}."]
    if letter := commanding(text):
        return [f"{path}, {letter}."]
    reader = csv.reader(io.StringIO(text), strict=True)
    try:
        rows = [(reader.line_num, row) for row in reader if row]
    except csv.Error:
        return [f"{path}, line {reader.line_num}: is no CSV: is a quote not closed?"]
    if not rows or rows[0][1] != COLUMNS:
        return [f"{path}, line 1: must have the columns {', '.join(COLUMNS)}, with commas between them."]
    problems = [f"{path}, line {line}: {fault}." for line, row in rows[1:] if (fault := _fault(row))]
    return problems or [f"{path}: {fault}." for fault in _faults_of_standards([row for _, row in rows[1:]])]


def _fault(row: Sequence[str]) -> str | None:
    if len(row) != len(COLUMNS):
        return f"has {len(row)} fields where {len(COLUMNS)} are needed; text with a comma stands in double quotes"
    for name, value in zip(COLUMNS[:2], row[:2], strict=True):
        if not value.strip():
            return f"{name} is empty"
    for name, value in zip(COLUMNS[2:4], row[2:4], strict=True):
        if not value.isdecimal():
            return f"{name} must be an age in whole years; found {value!r}"
    if int(row[2]) >= int(row[3]):
        return f"lower_age {row[2]} must be below upper_age {row[3]}, which the group does not hold"
    try:
        is_share = 0 < float(row[4]) <= 1
    except ValueError:
        is_share = False
    return None if is_share else f"share must be a number above 0 and at most 1; found {row[4]!r}"


def _faults_of_standards(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    if not rows:
        yield "holds no standard population"
    for name in dict.fromkeys(row[0] for row in rows):
        groups = [row for row in rows if row[0] == name]
        total = sum(float(row[4]) for row in groups)
        if abs(total - 1) > LARGEST_ROUNDING:
            yield f"the shares of {name} add up to {total}, not to 1"
        if len({row[1] for row in groups}) < len(groups):
            yield f"{name} names an age group twice"
        for one, other in pairwise(sorted(groups, key=lambda row: int(row[2]))):
            if int(one[3]) > int(other[2]):
                yield f"the groups {one[1]} and {other[1]} of {name} overlap"
