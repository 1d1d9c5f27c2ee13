"""Report tables that are estimated rather than selected: from the respondent table to rows with intervals and verdicts.

The formulas are in `pipelines.statistics`; here is decided what is estimated, for whom, with which weight, and what is
refused. Nothing in here knows what an outcome or an exposure means.
"""

from collections.abc import Callable, Mapping

import polars as pl

from pipelines.report.characteristics import characteristics_by_outcome
from pipelines.report.estimation import Estimation, Received
from pipelines.report.flow import respondent_flow
from pipelines.report.odds_ratios import odds_ratios
from pipelines.report.prevalence import prevalence_by_age_band, prevalence_by_age_band_and_sex, prevalence_by_exposure
from pipelines.report.standardised import prevalence_age_standardised
from pipelines.report.trends import trends

ESTIMATORS: Mapping[str, Callable[[Estimation], pl.DataFrame]] = {
    "report.prevalence_by_age_band": prevalence_by_age_band,
    "report.prevalence_by_age_band_and_sex": prevalence_by_age_band_and_sex,
    "report.prevalence_by_exposure": prevalence_by_exposure,
    "report.prevalence_age_standardised": prevalence_age_standardised,
    "report.trends": trends,
    "report.odds_ratios": odds_ratios,
    "report.respondent_flow": respondent_flow,
    "report.characteristics_by_outcome": characteristics_by_outcome,
}

_OF_EXPOSURES = frozenset({"exposures", "adjustment", "characteristics", "odds_ratios"})

SETTINGS_NOT_READ: Mapping[str, frozenset[str]] = {
    "report.prevalence_by_age_band": _OF_EXPOSURES | {"standardisation"},
    "report.prevalence_by_age_band_and_sex": _OF_EXPOSURES | {"standardisation"},
    "report.prevalence_by_exposure": frozenset({"adjustment", "characteristics", "odds_ratios", "standardisation"}),
    "report.prevalence_age_standardised": _OF_EXPOSURES,
    "report.trends": _OF_EXPOSURES | {"standardisation"},
    "report.odds_ratios": frozenset({"characteristics", "standardisation"}),
    "report.respondent_flow": _OF_EXPOSURES | {"standardisation"},
    "report.characteristics_by_outcome": frozenset({"standardisation"}),
}
"""Table -> sections of study.yaml that its estimator is not given: a change of them leaves its numbers as they are."""

COUNTING_RECORDS = frozenset({"report.respondent_flow"})
"""Tables whose estimator is told how many records were received and set aside, beside the respondents."""

__all__ = ["COUNTING_RECORDS", "ESTIMATORS", "SETTINGS_NOT_READ", "Estimation", "Received"]
