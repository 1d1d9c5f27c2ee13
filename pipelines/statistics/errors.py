"""What can go wrong in an estimate, one class a cause.

Messages say what happened, where, and what the analyst can do; `names` holds the columns, strata or terms concerned.
They never hold a respondent's value. A degenerate but legal result (a prevalence of 0 or 1, a level without known outcomes)
is not an error: it is a value with a status.
"""

from collections.abc import Iterable


class StatsError(ValueError):
    """Base of every error of this package. `names`: the columns, strata or terms that the message is about."""

    def __init__(self, message: str, *, names: Iterable[str] = ()) -> None:
        super().__init__(message)
        self.names = tuple(names)


class InvalidArgument(StatsError):
    """An argument that no data could satisfy, or a name that the cells do not hold."""


class InvalidWeight(StatsError):
    """A weight that is NULL, negative, not finite or out of the range of exact sums, or weights that are all 0."""


class MissingDesignColumn(StatsError):
    """A stratum, PSU or weight column that the relation lacks, or rows whose stratum or PSU is NULL."""


class UnsupportedDesign(StatsError):
    """A design that these estimators cannot honour."""


class LonelyPsu(StatsError):
    """A stratum with one sampled unit, which has no variance within it, under an option that cannot answer it."""


class EmptyDomain(StatsError):
    """Nobody to analyse: no rows, no member of the domain, or no complete member."""


class NoDegreesOfFreedom(StatsError):
    """As many strata as PSUs among the analysed members: no standard error can be trusted."""


class InvalidOutcome(StatsError):
    """An outcome that is neither boolean nor 0/1."""


class SeparatedOutcome(StatsError):
    """Some terms predict the outcome perfectly: their coefficients are infinite."""


class DegenerateTable(StatsError):
    """A table whose cells leave a test statistic without variance, such as a perfect association."""


class RankDeficient(StatsError):
    """Some terms are constant, or combinations of other terms."""


class NotConverged(StatsError):
    """Newton's method did not settle."""


class UnknownStandardCell(StatsError):
    """Analysed people belong to a level for which the standard population has no weight."""
