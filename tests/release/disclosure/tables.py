"""Report tables of a made-up cohort, counted here and not by the estimators, and its people."""

from collections.abc import Callable, Sequence
from itertools import product
from typing import Any

import polars as pl

from pipelines.release.disclosure.atoms import Classification

BANDS = ["young", "middle", "old"]
SEXES = ["female", "male"]
LEVELS = ["false", "true"]

POPULATIONS: dict[str, Callable[[dict[str, Any]], bool]] = {
    "everyone": lambda person: True,
    "grown": lambda person: person["age_band"] != "young",
}

NAMES = Classification(
    places=("wave", "in_everyone", "in_grown", "is_complete"),
    details=("age_band", "sex", "is_in_standard"),
    outcomes=("ill",),
    exposures=("smokes",),
)

Group = dict[str, Any]


def people_of(groups: Sequence[Group]) -> pl.DataFrame:
    """`groups` have age_band, sex, smokes, ill and n, and a wave where there are two; nothing else tells them apart."""
    rows = [
        {
            "wave": "one",
            **{f"in_{name}": holds(group) for name, holds in POPULATIONS.items()},
            "is_complete": True,
            "is_in_standard": True,
            **group,
        }
        for group in groups
        if group["n"] > 0
    ]
    schema = {"smokes": pl.String, "ill": pl.Boolean}
    return pl.DataFrame(rows, schema_overrides=schema)


def tables_of(groups: Sequence[Group]) -> dict[str, pl.DataFrame]:
    """Prevalence by age band, by age band and sex, and by exposure; of each wave and pooled where the groups have waves."""
    bands: list[Group] = []
    sexes: list[Group] = []
    exposures: list[Group] = []
    waves = sorted({group["wave"] for group in groups if "wave" in group})
    for wave, (population, holds) in product([*waves, "pooled"] if waves else ["one"], POPULATIONS.items()):
        members = [group for group in groups if holds(group) and (not waves or wave in ("pooled", group["wave"]))]
        splits = ["all", *BANDS] if population == "everyone" else ["all"]
        for band in splits:
            in_band = [group for group in members if band in ("all", group["age_band"])]
            key = {"wave": wave, "population": population, "age_band": band}
            bands.append(_row(in_band, key))
            sexes += [_row([group for group in in_band if group["sex"] == sex], key | {"sex": sex}) for sex in SEXES]
        for level in LEVELS:
            at_level = [group for group in members if group["smokes"] == level]
            key = {"wave": wave, "population": population, "exposure": "smokes", "exposure_level": level}
            exposures.append(_row(at_level, key))
    return {
        "report.prevalence_by_age_band": pl.DataFrame(bands),
        "report.prevalence_by_age_band_and_sex": pl.DataFrame(sexes),
        "report.prevalence_by_exposure": pl.DataFrame(exposures),
    }


def _row(members: Sequence[Group], key: Group) -> Group:
    cases, others, missing = (sum(group["n"] for group in members if group["ill"] is answer) for answer in (True, False, None))
    return {
        "source": "cohort",
        **key,
        "outcome": "ill",
        "n_respondents": cases + others,
        "n_cases": cases,
        "n_missing": missing,
        "missing_weight_share": missing / max(cases + others + missing, 1),
        "prevalence": cases / max(cases + others, 1),
        "confidence_level": 0.95,
        "weight": None,
        "presentation": "show",
        "presentation_reason": None,
        "is_suppressed": False,
        "is_synthetic": True,
    }
