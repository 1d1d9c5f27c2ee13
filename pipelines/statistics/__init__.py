"""Pure estimators for complex surveys and matched case-control studies, on numpy, scipy, duckdb and polars.

A relation is collapsed once to additive cells; every design-based estimator works on cells. Nothing here reads a file, knows
a survey or prints.
"""

from pipelines.statistics.binomial import binomial_interval
from pipelines.statistics.collapse import collapse
from pipelines.statistics.contrast import Contrast, compare
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
    UnknownStandardCell,
    UnsupportedDesign,
)
from pipelines.statistics.evalue import EValue, e_value
from pipelines.statistics.firth import FirthLogistic, firth_logistic
from pipelines.statistics.imputation import PooledEstimate, pool_imputations
from pipelines.statistics.imputed import pool_effects, pool_means, pool_prevalences
from pipelines.statistics.independence import RaoScottTest, WaldTest, rao_scott_test, wald_independence_test
from pipelines.statistics.intervals import Interval, korn_graubard, proportion_interval
from pipelines.statistics.large import fit_regression
from pipelines.statistics.mantel_haenszel import (
    Homogeneity,
    MantelHaenszel,
    exact_common_odds_ratio,
    homogeneity,
    mantel_haenszel,
)
from pipelines.statistics.margins import Margins, margins
from pipelines.statistics.matched import ConditionalLogistic, MatchedOddsRatio, conditional_logistic, mcnemar_p, pair_odds_ratio
from pipelines.statistics.means import MeanComparison, MeanOfGroup, compare_means, means, totals
from pipelines.statistics.meta_analysis import Limits, MetaAnalysis, asymmetry_p, meta_analysis
from pipelines.statistics.model_matrix import Categorical, Numeric
from pipelines.statistics.multiplicity import adjust_p_values
from pipelines.statistics.presentation import Presentation, nchs_presentation
from pipelines.statistics.prevalence import Prevalence, prevalence
from pipelines.statistics.quadratic_form import weighted_f_tail
from pipelines.statistics.rank_test import RankTest, rank_test
from pipelines.statistics.rates import ClusteredRate, StandardisedRate, clustered_rate, standardised_rate
from pipelines.statistics.regression import Regression, regression
from pipelines.statistics.replicate import Replicates, jackknife
from pipelines.statistics.replicate_weights import ReplicateWeights
from pipelines.statistics.sequence_order import OrderModel, order_model
from pipelines.statistics.sequence_symmetry import (
    ComparedRatio,
    SequenceRatio,
    active_comparator_ratio,
    null_ratio,
    sequence_ratio,
    sequence_symmetry,
)
from pipelines.statistics.standardise import Standardised, standardise
from pipelines.statistics.term_test import LikelihoodRatioTest, likelihood_ratio_test, wald_test
from pipelines.statistics.trend import TrendTest, cochran_armitage, trend
from pipelines.statistics.two_by_two import OddsRatio, chi_squared_p, odds_ratio

__all__ = [
    "Categorical",
    "Cells",
    "ClusteredRate",
    "ComparedRatio",
    "ConditionalLogistic",
    "Contrast",
    "Design",
    "EValue",
    "Effect",
    "EmptyDomain",
    "FirthLogistic",
    "Homogeneity",
    "Interval",
    "InvalidArgument",
    "InvalidOutcome",
    "InvalidWeight",
    "LikelihoodRatioTest",
    "Limits",
    "LonelyPsu",
    "MantelHaenszel",
    "Margins",
    "MatchedOddsRatio",
    "MeanComparison",
    "MeanOfGroup",
    "MetaAnalysis",
    "MissingDesignColumn",
    "NoDegreesOfFreedom",
    "NotConverged",
    "Numeric",
    "OddsRatio",
    "OrderModel",
    "PooledEstimate",
    "Presentation",
    "Prevalence",
    "RankDeficient",
    "RankTest",
    "RaoScottTest",
    "Regression",
    "ReplicateWeights",
    "Replicates",
    "SeparatedOutcome",
    "SequenceRatio",
    "Standardised",
    "StandardisedRate",
    "StatsError",
    "TrendTest",
    "UnknownStandardCell",
    "UnsupportedDesign",
    "WaldTest",
    "active_comparator_ratio",
    "adjust_p_values",
    "asymmetry_p",
    "binomial_interval",
    "chi_squared_p",
    "clustered_rate",
    "cochran_armitage",
    "collapse",
    "compare",
    "compare_means",
    "conditional_logistic",
    "e_value",
    "effect",
    "exact_common_odds_ratio",
    "firth_logistic",
    "fit_regression",
    "homogeneity",
    "jackknife",
    "korn_graubard",
    "likelihood_ratio_test",
    "mantel_haenszel",
    "margins",
    "mcnemar_p",
    "means",
    "meta_analysis",
    "nchs_presentation",
    "null_ratio",
    "odds_ratio",
    "order_model",
    "pair_odds_ratio",
    "pool_effects",
    "pool_imputations",
    "pool_means",
    "pool_prevalences",
    "prevalence",
    "proportion_interval",
    "rank_test",
    "rao_scott_test",
    "regression",
    "sequence_ratio",
    "sequence_symmetry",
    "standardise",
    "standardised_rate",
    "totals",
    "trend",
    "wald_independence_test",
    "wald_test",
    "weighted_f_tail",
]
