"""Every column and every file of a release as a function of people, and what disclosure control does with it.

What is not in here is not shown of a restricted source: a column without an entry is NULL in every row, a table without one has
no rows, and tests compare the register with the contracts and with a release. Which counts follow from which is in model.py.
"""

from typing import Literal

from pipelines.project.literature import TABLES
from pipelines.project.respondents import FOUR_CELLS

Kind = Literal["setting", "count", "missing", "point", "spread", "degrees", "family", "verdict"]
"""What a column of a report table is made of:

setting: names and settings of the study, nothing of people; it stays in a hidden row
count: a sum of people that the audit follows, or that goes with such a sum
missing: the same for people without an answer
point: a formula of the sums of people, or of weights, of its row
spread: point, sampling variance and degrees of freedom together; where units are single people also of their number (sampling.py)
degrees: sampled units less strata; where units hold few people, their number
family: of the p-values of other rows (families.py)
verdict: words about the numbers of its row; none that quotes people (words.py)
"""

OF_PREVALENCE: dict[str, Kind] = {
    **dict.fromkeys(("source", "wave", "population", "outcome", "weight", "is_synthetic"), "setting"),
    **dict.fromkeys(("confidence_level", "degrees_freedom_rule", "variance_method"), "setting"),
    **dict.fromkeys(("n_respondents", "n_cases"), "count"),
    **dict.fromkeys(("n_missing", "missing_weight_share"), "missing"),
    **dict.fromkeys(("prevalence", "method"), "point"),
    **dict.fromkeys(("prevalence_se", "prevalence_lower", "prevalence_upper", "design_effect", "n_effective"), "spread"),
    "degrees_freedom": "degrees",
    **dict.fromkeys(("presentation", "presentation_reason", "is_suppressed"), "verdict"),
}

OF_RATIOS: dict[str, Kind] = {
    **dict.fromkeys(("source", "wave", "population", "outcome", "weight", "is_synthetic"), "setting"),
    **dict.fromkeys(("confidence_level", "degrees_freedom_rule", "variance_method"), "setting"),
    **dict.fromkeys(("odds_ratio", "method"), "point"),
    **dict.fromkeys(("odds_ratio_lower", "odds_ratio_upper", "p_value"), "spread"),
    "degrees_freedom": "degrees",
    **dict.fromkeys(("presentation", "presentation_reason", "is_suppressed"), "verdict"),
}

REPORTS: dict[str, dict[str, Kind]] = {
    "report.prevalence_by_age_band": OF_PREVALENCE | {"age_band": "setting"},
    "report.prevalence_by_age_band_and_sex": OF_PREVALENCE | {"age_band": "setting", "sex": "setting"},
    "report.prevalence_by_exposure": OF_PREVALENCE | {"exposure": "setting", "exposure_level": "setting"},
    "report.prevalence_age_standardised": OF_PREVALENCE | {"standard_population": "setting", "sex": "setting"},
    "report.trends": OF_RATIOS
    | {"variable": "setting", "n_respondents": "count", "n_levels": "count", "association_p_value": "spread"},
    "report.odds_ratios": OF_RATIOS
    | dict.fromkeys(("exposure", "exposure_level", "reference_level", "hypotheses", "model", "adjusted_for"), "setting")
    | dict.fromkeys(FOUR_CELLS, "count")
    | {"n_missing": "missing"}
    | dict.fromkeys(("prevalence_ratio", "e_value"), "point")
    | dict.fromkeys(("prevalence_ratio_lower", "prevalence_ratio_upper", "e_value_limit"), "spread")
    | dict.fromkeys(("odds_ratio_exact_lower", "odds_ratio_exact_upper"), "spread")
    | dict.fromkeys(("p_value_adjusted", "p_value_family", "p_value_family_size", "multiple_testing"), "family"),
}
"""Columns of the report tables whose counts the audit follows."""

ONLY_INSIDE = frozenset(
    {
        *("report.characteristics_by_outcome", "report.planted_truth", "report.respondent_flow"),
        *("report.sequence_ratios", "report.sequence_pairs_by_month", "report.planted_sequence_ratios", "report.diary_rates"),
        *TABLES,
    }
)
"""Report tables whose counts are finer than the atoms, or are of events: of a restricted source they have no public row.

Counts of pairs within one window and the next, by month, or of a class and one that holds it differ by few people, and each
delivery adds some: what follows from them is not audited."""

MetaKind = Literal["setting", "record_count", "record_text", "record_fact", "time", "release"]
"""What a column of a meta table is made of:

setting: contracts, codebooks and files of the project
record_count: counts records; NULL of restricted sources
record_text: may quote such a count; replaced
record_fact: says that something holds of some record, or was held back, and of how many never
time: when something was done
release: of the release as a whole; its hash covers all microdata, so nobody without them can try numbers on it
"""

DESCRIBING: dict[str, dict[str, MetaKind]] = {
    "meta.deliveries": {
        **dict.fromkeys(("source", "wave", "design", "n_tables", "is_synthetic"), "setting"),
        **dict.fromkeys(("verdict", "is_stale", "held_back", "cause"), "record_fact"),
        "reason": "record_text",
        **dict.fromkeys(("n_rows", "n_rejected_rows"), "record_count"),
        **dict.fromkeys(("accepted_at", "rejected_at"), "time"),
    },
    "meta.check_results": {
        **dict.fromkeys(("table_name", "source", "wave", "rule_id", "column_name", "dimension", "severity"), "setting"),
        **dict.fromkeys(("threshold", "description"), "setting"),
        **dict.fromkeys(("is_in_release", "status"), "record_fact"),
        **dict.fromkeys(("n_checked", "n_failed"), "record_count"),
        **dict.fromkeys(("detail", "query"), "record_text"),
    },
    "meta.sources": dict.fromkeys(
        ("source", "title", "design", "classification", "is_synthetic", "homepage", "citation", "terms_of_use"), "setting"
    ),
    "meta.columns": dict.fromkeys(
        (
            *("table_name", "position", "column_name", "data_type", "is_required", "unit", "description", "question"),
            *("classification", "codebook_variable", "waves", "contract_version"),
        ),
        "setting",
    ),
    "meta.codes": dict.fromkeys(
        ("table_name", "variable", "received", "position", "code", "meaning", "kind_of_missing"), "setting"
    ),
    "meta.comparability": dict.fromkeys(
        ("source", "variable", "wave", "other_wave", "verdict", "reason", "reference", "condition"), "setting"
    ),
    "meta.t_quantiles": dict.fromkeys(("confidence_level", "degrees_freedom", "t_quantile", "normal_quantile"), "setting"),
    "meta.releases": dict.fromkeys(("release_id", "published_at", "content_hash", "n_objects", "is_this_release"), "release"),
}
"""Columns of the meta tables that have public rows of a restricted source."""

ABOUT_PEOPLE = frozenset({"meta.drift", "meta.passports", "meta.rejected_rows", "meta.release_changes"})
"""Meta tables whose every row tells of people: drift and changes by their numbers, passports by counts and by hashes of small
tables, which whoever guesses them can check. Of a restricted source they have no public row."""

HANDED_OUT = ("epi_public.duckdb", "report/*.parquet", "report.html", "report_tables.docx", "report_tables/*")
"""Files of a release for anybody, written from the public rows: their sizes and hashes are functions of what is shown."""

KEPT_INSIDE = ("epi.duckdb", "manifest.json")
"""Files of a release for those who may see microdata; of these files the manifest is held to MANIFEST all the same."""

MANIFEST: dict[str, Literal["release", "time", "object", "record_fact"]] = {
    **dict.fromkeys(
        ("release_id", "sequence", "number", "compared_with", "content_hash", "study", "code", "contracts", "files", "seal"),
        "release",
    ),
    "minimum_cell": "release",
    "published_at": "time",
    **dict.fromkeys(("objects", "rests_on"), "object"),
    **dict.fromkeys(("rules", "rejected", "undrawn"), "record_fact"),
}

MANIFEST_OF_VIEWS: dict[str, Literal["object"]] = {"views": "object"}
"""What a manifest has beside, where tables of epi.duckdb are views: the files that they read, as `objects` names them."""

OF_OBJECTS: dict[str, Literal["setting", "time", "hash", "record_count", "ingredients"]] = {
    **dict.fromkeys(("place", "verdict"), "setting"),
    "made_at": "time",
    **dict.fromkeys(("content", "recipe", "inputs"), "hash"),
    **dict.fromkeys(("rows", "n_rejected_rows", "rejected_rows"), "record_count"),
    "ingredients": "ingredients",
}
"""Keys of an object in the manifest. A hash is of a whole object: of a small table it can be tried, so the manifest stays inside.
Counts of records are None of restricted sources, and so is the hash of the list of records set aside, which is a list of small
numbers."""

COUNTING_INGREDIENTS = frozenset({"expected rows", "records received"})
"""Ingredients that are counts of records, in clear or as a hash of few small numbers: left out of the manifest of a restricted
source. Nothing is lost: they differ only where a delivery does."""


def unknown_columns(table: str, columns: list[str]) -> list[str]:
    """The columns that have no entry; all of them of a table that has none."""
    return [column for column in columns if column not in REPORTS.get(table, {})]


def columns_of(table: str, *kinds: Kind) -> frozenset[str]:
    """The columns of a report table that are of these kinds."""
    return frozenset(column for column, kind in REPORTS.get(table, {}).items() if kind in kinds)
