"""The survey design and the additive cells that every design-based estimator works on.

Not here: the scan that makes cells (collapse.py) and variances (variance.py).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np
import numpy.typing as npt
import polars as pl

from pipelines.statistics.counting import level_numbers
from pipelines.statistics.errors import EmptyDomain, InvalidArgument, InvalidOutcome, UnsupportedDesign

if TYPE_CHECKING:
    from pipelines.statistics.replicate_weights import ReplicateWeights

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]

LonelyOption = Literal["fail", "certainty", "adjust", "average"]

STRATUM, PSU = "stratum", "psu"
N_RESPONDENTS, SUM_WEIGHTS, SUM_SQUARED_WEIGHTS, N_SAMPLED = "n", "w", "w2", "n_sampled"
N_POPULATION = "n_population"
SQUARES_WITHIN = "squares_within"

MANY_CELLS = 25_000
"""From so many on it is faster to add them up by less first, and to estimate from that."""

RESERVED_NAMES = frozenset(
    {STRATUM, PSU, N_RESPONDENTS, SUM_WEIGHTS, SUM_SQUARED_WEIGHTS, N_SAMPLED, N_POPULATION, SQUARES_WITHIN}
)


@dataclass(frozen=True)
class Design:
    """Columns of a relation that say how its people were sampled.

    `stratum`, `psu`, `weight` are column names; None where the design has none. PSUs are nested: a PSU is a pair (stratum,
    psu). Without `psu` people were sampled one by one (element design); without `weight` every weight is 1.

    `lonely` says what a stratum with one sampled unit adds to a variance: `fail` raises, `certainty` adds nothing, `adjust`
    centres the unit at the mean of all units, `average` gives the stratum the mean of the other strata (R survey's
    `lonely.psu`). `adjust_domain_lonely`: adjust and average also treat a stratum so where only one of its PSUs holds members of
    the domain (R's `survey.adjust.domain.lonely`).

    `population`: a column with the number of sampling units (PSUs; element design: people) in the population of the row's
    stratum, for the finite population correction 1 - n / N of the first stage. Without it sampling is with replacement, which is
    right or cautious. Weights are taken as given: the gain of calibration is not in the variance.

    `replicates`: replicate weights instead of strata; `psu` is then the number of a unit whose weights move alike. Estimators
    that cannot estimate by them refuse them.
    """

    stratum: str | None = STRATUM
    psu: str | None = PSU
    weight: str | None = None
    lonely: LonelyOption = "fail"
    population: str | None = None
    adjust_domain_lonely: bool = False
    replicates: "ReplicateWeights | None" = None

    def __post_init__(self) -> None:
        if self.replicates is not None and (self.stratum, self.population, self.psu is None) != (None, None, False):
            raise UnsupportedDesign("Design: replicate weights stand for strata and a population, and number psus.")
        if self.population is not None and not isinstance(self.population, str):
            raise UnsupportedDesign(
                "Design: population names one column, of the first stage. A correction of later stages is not exact on cells; "
                "leave it out, or leave out population too, which is cautious."
            )
        if self.adjust_domain_lonely and (self.lonely not in ("adjust", "average") or self.psu is None):
            raise UnsupportedDesign("Design: adjust_domain_lonely goes with lonely='adjust' or 'average' and a psu.")
        if self.lonely not in get_args(LonelyOption):
            raise UnsupportedDesign(f"Design: lonely must be one of {', '.join(get_args(LonelyOption))}, not {self.lonely!r}.")

    @property
    def samples_elements(self) -> bool:
        """True where people, not PSUs, were sampled inside the strata."""
        return self.psu is None

    @property
    def depends_on_domain(self) -> bool:
        """Whether what a stratum adds to a variance depends on who is analysed.

        Then the variance of a sum or difference is not made of the covariance of its parts, whose members lie in fewer strata.
        """
        return self.lonely == "average" or self.adjust_domain_lonely

    @property
    def cell_columns(self) -> tuple[str, ...]:
        """The design columns of the cells: of `stratum` and `psu`, those that the design has."""
        return (STRATUM,) * (self.stratum is not None) + (PSU,) * (self.psu is not None)


@dataclass(frozen=True)
class Cells:
    """Sufficient statistics: one row per (stratum, psu, *keys).

    Columns: `stratum` and `psu` where the design has them, the keys, `n` (rows with a weight above 0), `w` (sum of weights);
    for an element design also `w2` (sum of squared weights) and `n_sampled` (all rows, those of weight 0 too).
    Cells with n = 0 hold the sampled PSUs in place: never drop them.

    `number`: a key that holds the mean of a number of the people of each cell (NULL where it is unknown) instead of one value of
    all of them; `squares_within` is then the sum of weights times squared distances from that mean.
    """

    table: pl.DataFrame
    design: Design
    number: str | None = None

    def __post_init__(self) -> None:
        needed = [*self.design.cell_columns, N_RESPONDENTS, SUM_WEIGHTS]
        needed += [SUM_SQUARED_WEIGHTS, N_SAMPLED] if self.design.samples_elements else []
        needed += [N_POPULATION] if self.design.population else []
        needed += [self.number, SQUARES_WITHIN] if self.number else []
        if absent := [name for name in needed if name not in self.table.columns]:
            raise UnsupportedDesign(
                f"Cells of this design need {', '.join(needed)}; absent: {', '.join(absent)}.",
                names=absent,
            )

    @property
    def keys(self) -> tuple[str, ...]:
        """Names of the key columns."""
        return tuple(name for name in self.table.columns if name not in RESERVED_NAMES)

    @property
    def n(self) -> IntArray:
        """Respondents (weight above 0) of each cell, shape (cells,)."""
        return self.table[N_RESPONDENTS].to_numpy().astype(np.int64)

    @property
    def w(self) -> FloatArray:
        """Sum of weights of each cell, shape (cells,)."""
        return self.table[SUM_WEIGHTS].to_numpy().astype(np.float64)

    def summed(self, keys: Sequence[str]) -> "Cells":
        """The same people by some of the keys: fewer and larger cells, in the order of their columns.

        Sums of weights are added in the order of the rows, so that equal cells give equal bits. Raises InvalidArgument where a
        name is no key of these cells.
        """
        self.require_keys(keys)
        number = self.number if self.number in keys else None
        table = self.table.with_columns(pl.col(number).is_not_null()) if number else self.table
        columns = [*self.design.cell_columns, *([N_POPULATION] if self.design.population else []), *keys]
        everyone = np.ones(self.table.height, dtype=np.bool_)
        levels, level = index_levels(table, columns, everyone)
        sums = [
            pl.Series(name, np.bincount(level, self.table[name].to_numpy(), levels.height)).cast(self.table[name].dtype)
            for name in (N_RESPONDENTS, SUM_WEIGHTS, SUM_SQUARED_WEIGHTS, N_SAMPLED)
            if name in self.table.columns
        ]
        summed = levels.with_columns(sums)
        return Cells(summed.with_columns(self._means(number, level, summed)) if number else summed, self.design, number)

    def _means(self, number: str, level: IntArray, summed: pl.DataFrame) -> list[pl.Expr | pl.Series]:
        """The mean of the number and the squares about it, where cells are added to one for each row of `summed`."""
        x, weight = self.table[number].fill_null(0.0).to_numpy(), summed[SUM_WEIGHTS].to_numpy()
        mean = np.bincount(level, self.w * x, summed.height) / np.where(weight > 0, weight, 1.0)
        squares = self.table[SQUARES_WITHIN].to_numpy() + self.w * (x - mean[level]) ** 2
        return [
            pl.when(pl.col(number)).then(pl.lit(pl.Series(mean))).alias(number),
            pl.Series(SQUARES_WITHIN, np.bincount(level, squares, summed.height)),
        ]

    def values(self, name: str, inside: BoolArray) -> tuple[FloatArray, FloatArray]:
        """The values of a numeric or boolean key as numbers, and the squares within each cell about them.

        Both of shape (cells,); values are 0 outside. Raises InvalidArgument where the key has no numbers, or holds some inside
        that are not finite.
        """
        column = self.table[name]
        if not (column.dtype.is_numeric() or column.dtype == pl.Boolean):
            raise InvalidArgument(f"{name} is {column.dtype}, which has no mean.", names=[name])
        x = np.where(inside, column.cast(pl.Float64).fill_null(0.0).to_numpy(), 0.0)
        if not np.isfinite(x).all():
            raise InvalidArgument(f"{name} holds numbers that are not finite. A missing value must be NULL.", names=[name])
        return x, self.table[SQUARES_WITHIN].to_numpy() if name == self.number else np.zeros(self.table.height)

    def require_keys(self, names: Sequence[str]) -> None:
        """Raise InvalidArgument where a name is no key of these cells."""
        if absent := [name for name in names if name not in self.keys]:
            raise InvalidArgument(
                f"The cells have no key {', '.join(absent)}; they have {', '.join(self.keys) or 'none'}.",
                names=absent,
            )

    def members(self, domain: pl.Expr | None) -> BoolArray:
        """Cells with respondents that belong to the domain, shape (cells,); a NULL in the domain's expression means outside.

        Raises InvalidArgument where the expression is not boolean or names an unknown key, EmptyDomain where nobody belongs.
        """
        if domain is None:
            found: BoolArray = self.n > 0
        else:
            self.require_keys(sorted(set(domain.meta.root_names()) - set(self.table.columns)))
            inside = self.table.with_columns(__inside=domain)["__inside"]
            if inside.dtype != pl.Boolean:
                raise InvalidArgument(f"The domain must be a boolean expression; {domain} gives {inside.dtype}.")
            found = inside.fill_null(False).to_numpy() & (self.n > 0)
        if not found.any():
            raise EmptyDomain("Nobody with a weight above 0 belongs to the population.")
        return found

    def outcome(self, name: str) -> tuple[IntArray, BoolArray]:
        """The outcome of each cell as 0/1 (0 where it is missing) and whether it is known, both of shape (cells,).

        Raises InvalidArgument where there is no such key, InvalidOutcome where it is neither boolean nor 0/1.
        """
        self.require_keys([name])
        column = self.table[name]
        if column.dtype != pl.Boolean and (not column.dtype.is_numeric() or not ((column == 0) | (column == 1)).all()):
            raise InvalidOutcome(
                f"The outcome {name} must be boolean or 0/1, NULL where it is missing; it holds other values. "
                "Return it as a condition, such as code = 'yes', in the select that makes it.",
                names=[name],
            )
        return column.cast(pl.Int64).fill_null(0).to_numpy(), column.is_not_null().to_numpy()

    def known(self, columns: Sequence[str]) -> BoolArray:
        """Cells where none of the columns is NULL, shape (cells,)."""
        if not columns:
            return np.ones(self.table.height, dtype=np.bool_)
        return self.table.select(pl.all_horizontal(pl.col(list(columns)).is_not_null()))[:, 0].to_numpy()


def index_levels(table: pl.DataFrame, columns: Sequence[str], inside: BoolArray) -> tuple[pl.DataFrame, IntArray]:
    """The distinct, sorted combinations of `columns` among the rows `inside`, and the number of its combination for each row.

    Returns (levels, index): index has shape (rows,) and is -1 for rows outside. NULL is a level, the last.
    """
    if not columns:
        return pl.DataFrame(), np.where(inside, 0, -1).astype(np.int64)
    keys = table.select(list(columns))
    if counted := level_numbers(keys, columns, inside):
        level, row_of_level = counted
        return keys[row_of_level], level
    levels = keys.filter(pl.Series(inside)).unique().sort(list(columns), nulls_last=True)
    numbered = levels.with_row_index("__level")
    number = keys.join(numbered, on=list(columns), how="left", nulls_equal=True, maintain_order="left")["__level"]
    return levels, np.where(inside, number.cast(pl.Int64).fill_null(-1).to_numpy(), -1)


def same_levels(tables: Sequence[pl.DataFrame]) -> list[pl.DataFrame]:
    """Tables of equal columns with one type for the text of each, so that they can be put together: an Enum of the levels of
    all of them where each has an Enum, otherwise String."""
    columns: list[pl.Expr] = []
    for name in tables[0].columns if tables else []:
        kinds = {table.schema[name] for table in tables}
        enums = [kind for kind in kinds if isinstance(kind, pl.Enum)]
        if len(kinds) > 1 and enums:
            every = sorted({level for kind in enums for level in kind.categories})
            columns.append(pl.col(name).cast(pl.Enum(every) if len(enums) == len(kinds) else pl.String))
    return [table.with_columns(columns) for table in tables] if columns else list(tables)
