"""Pure estimators for complex surveys and matched case-control studies, on numpy, scipy, duckdb and polars.

A relation is collapsed once to additive cells; every design-based estimator works on cells. Nothing here reads a file, knows
a survey or prints.
"""

from pipelines.statistics.collapse import collapse
from pipelines.statistics.design import Cells, Design
from pipelines.statistics.effect import Effect, effect
from pipelines.statistics.errors import (
    EmptyDomain,
    InvalidArgument,
    InvalidOutcome,
    InvalidWeight,
    LonelyPsu,
    MissingDesignColumn,
    NoDegreesOfFreedom,
    NotConverged,
    RankDeficient,
    SeparatedOutcome,
    StatsError,
    UnsupportedDesign,
)
from pipelines.statistics.evalue import EValue, e_value
from pipelines.statistics.intervals import Interval, korn_graubard, proportion_interval
from pipelines.statistics.matched import ConditionalLogistic, MatchedOddsRatio, conditional_logistic, pair_odds_ratio
from pipelines.statistics.model_matrix import Categorical, Numeric
from pipelines.statistics.presentation import Presentation, nchs_presentation
from pipelines.statistics.prevalence import Prevalence, prevalence
from pipelines.statistics.regression import Regression, regression

__all__ = [
    "Categorical",
    "Cells",
    "ConditionalLogistic",
    "Design",
    "EValue",
    "Effect",
    "EmptyDomain",
    "Interval",
    "InvalidArgument",
    "InvalidOutcome",
    "InvalidWeight",
    "LonelyPsu",
    "MatchedOddsRatio",
    "MissingDesignColumn",
    "NoDegreesOfFreedom",
    "NotConverged",
    "Numeric",
    "Presentation",
    "Prevalence",
    "RankDeficient",
    "Regression",
    "SeparatedOutcome",
    "StatsError",
    "UnsupportedDesign",
    "collapse",
    "conditional_logistic",
    "e_value",
    "effect",
    "korn_graubard",
    "nchs_presentation",
    "pair_odds_ratio",
    "prevalence",
    "proportion_interval",
    "regression",
]
