"""Report tables that are estimated rather than selected: from respondents or events to rows with intervals and verdicts.

The formulas are in `pipelines.statistics`; here is decided what is estimated, for whom, with which weight, and what is
refused. Nothing in here knows what an outcome or an exposure means.
"""

from collections.abc import Callable, Mapping

import polars as pl

from pipelines.project.events import OF_EVENTS
from pipelines.report.characteristics import characteristics_by_outcome
from pipelines.report.diary import diary_rates
from pipelines.report.estimation import Estimation, Received
from pipelines.report.events import Events
from pipelines.report.flow import respondent_flow
from pipelines.report.odds_ratios import odds_ratios
from pipelines.report.prevalence import prevalence_by_age_band, prevalence_by_age_band_and_sex, prevalence_by_exposure
from pipelines.report.sequence_months import sequence_pairs_by_month
from pipelines.report.sequences import sequence_ratios
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

EVENT_ESTIMATORS: Mapping[str, Callable[[Events], pl.DataFrame]] = {
    "report.sequence_ratios": sequence_ratios,
    "report.sequence_pairs_by_month": sequence_pairs_by_month,
    "report.diary_rates": diary_rates,
}
"""Those of events, which are given their own section of study.yaml and the confidence level."""

_OF_EXPOSURES = frozenset({"exposures", "adjustment", "characteristics", "odds_ratios"})

_NOT_READ: Mapping[str, frozenset[str]] = {
    "report.prevalence_by_age_band": _OF_EXPOSURES | {"standardisation"},
    "report.prevalence_by_age_band_and_sex": _OF_EXPOSURES | {"standardisation"},
    "report.prevalence_by_exposure": frozenset({"adjustment", "characteristics", "odds_ratios", "standardisation"}),
    "report.prevalence_age_standardised": _OF_EXPOSURES,
    "report.trends": _OF_EXPOSURES | {"standardisation"},
    "report.odds_ratios": frozenset({"characteristics", "standardisation"}),
    "report.respondent_flow": _OF_EXPOSURES | {"standardisation", "confidence_level"},
    "report.characteristics_by_outcome": frozenset({"standardisation", "confidence_level"}),
}

SETTINGS_NOT_READ: Mapping[str, frozenset[str]] = {table: sections | OF_EVENTS for table, sections in _NOT_READ.items()}
"""Table -> sections of study.yaml that its estimator is not given: a change of them leaves its numbers as they are."""

COUNTING_RECORDS = frozenset({"report.respondent_flow"})
"""Tables whose estimator is told how many records were received and set aside, beside the respondents."""

__all__ = ["COUNTING_RECORDS", "ESTIMATORS", "EVENT_ESTIMATORS", "SETTINGS_NOT_READ", "Estimation", "Events", "Received"]
