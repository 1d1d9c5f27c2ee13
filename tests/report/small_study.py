"""A small study in memory: its settings, its sources, and its people."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from types import UnionType
from typing import Any, Union, get_args, get_origin

import polars as pl
from pydantic import BaseModel

SURVEY, PAIRS = "survey", "pairs"

STUDY: dict[str, Any] = {
    "study": "small",
    "title": "A small study",
    "question": "Does each setting reach its places?",
    "respondents": "core.respondents",
    "confidence_level": 0.95,
    "age_bands": {"lower_bounds": [20, 40, 60]},
    "populations": {
        "everyone": {"label": "Everyone", "where": "age_years >= 20", "by_age_band": True},
        "under_70": {"label": "Under 70", "where": "age_years >= 20 and age_years < 70", "by_age_band": False},
    },
    "outcomes": {"has_cramps": {"label": "Cramps"}, "has_frequent_cramps": {"label": "Frequent cramps"}},
    "exposures": {
        "is_sedentary": {"label": "Sedentary", "reference": False},
        "activity_level": {"label": "Activity", "reference": "vigorous"},
    },
    "adjustment": {"sex": {"reference": "male"}, "race_ethnicity": {"reference": None}},
    "characteristics": {
        "categorical": {"sex": {"label": "Sex"}},
        "continuous": {"body_mass_index_kg_m2": {"label": "Body mass index"}},
    },
    "odds_ratios": {"populations": ["everyone", "under_70"], "common_outcome_prevalence": 0.05, "multiple_testing": "holm"},
    "standardisation": {"standard_population": "us_2000_adults_three_groups", "populations": ["everyone"]},
    "retention": {"releases": 30},
    "nightly": {"cron": "0 4 * * *", "timezone": "Europe/Paris"},
}

SOURCES: dict[str, dict[str, Any]] = {
    SURVEY: {
        "source": SURVEY,
        "title": "A survey",
        "design": "survey",
        "classification": "public_use",
        "is_synthetic": False,
        "homepage": "https://example.org/survey",
        "citation": "A survey, made for a test.",
        "terms_of_use": "None.",
        "components": {"exam": ["body_mass_index_kg_m2"]},
        "waves": {"2001": {"tables": {"people": {"file": "2001.csv"}}}, "2002": {"tables": {"people": {"file": "2002.csv"}}}},
        "comparability": [
            {
                "variables": ["activity_level"],
                "waves": ["2001", "2002"],
                "verdict": "not_comparable",
                "reason": "asked anew",
                "reference": "the questionnaires",
            },
            {
                "variables": ["body_mass_index_kg_m2"],
                "waves": ["2001", "2002"],
                "verdict": "recoded",
                "reason": "measured with another scale",
                "reference": "the manuals",
            },
        ],
    },
    PAIRS: {
        "source": PAIRS,
        "title": "A study of pairs",
        "design": "case_control",
        "classification": "public_use",
        "citation": "Pairs, made for a test.",
        "terms_of_use": "None.",
        "matched_on": ["sex"],
        "case_definition": "has_cramps",
        "waves": {"2003": {"tables": {"people": {"file": "2003.csv"}}}},
    },
}

N = 240
"""People of a wave."""


def settings_of(model: type[BaseModel]) -> Iterator[str]:
    """Every key that may stand in the file of a model; `*` stands for a name or a number."""
    for name, field in model.model_fields.items():
        yield from (f"{name}{key}" for key in _keys(field.annotation))


def _keys(annotation: Any) -> Iterator[str]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield from (f".{key}" for key in settings_of(annotation))
        return
    inside = [part for part in get_args(annotation) if part not in {type(None), Ellipsis}]
    if get_origin(annotation) in {Union, UnionType} and len(inside) == 1:
        yield from _keys(inside[0])
        return
    nested = [part for part in inside if isinstance(part, type) and issubclass(part, BaseModel)]
    if not nested:
        yield ""
    for part in nested:
        yield from (f".*.{key}" for key in settings_of(part))


def changed(settings: Mapping[str, Any], path: str, value: Any) -> dict[str, Any]:
    """The settings with the value at a path such as `populations.everyone.where`; numbers are positions in a list."""
    copied: Any = json.loads(json.dumps(settings))
    at: Any = copied
    *way, last = path.split(".")
    for step in way:
        at = at[int(step)] if isinstance(at, list) else at.setdefault(step, {})
    at[last] = value
    return dict(copied)


@dataclass(frozen=True)
class World:
    """study.yaml and the files of the sources."""

    study: Mapping[str, Any]
    sources: Mapping[str, Mapping[str, Any]]


BASE = World(STUDY, SOURCES)


@cache
def people(source: str) -> pl.DataFrame:
    """Respondents without their age bands: two waves of 12 strata with two PSUs each, or 60 pairs."""
    number = pl.int_range(N, eager=True)
    waves = []
    for wave in ("2001", "2002") if source == SURVEY else ("2003",):
        turn = int(wave[-1])
        mixed = (number * 7 + number // 5 * 3 + turn) % 10
        frame = pl.DataFrame({"number": number}).with_columns(
            source=pl.lit(source),
            wave=pl.lit(wave),
            respondent_id=pl.format("{}-{}", pl.lit(wave), "number"),
            age_years=20 + number * 17 % 65,
            sex=pl.when(number // 2 % 2 == 0).then(pl.lit("female")).otherwise(pl.lit("male")),
            race_ethnicity=pl.when(number % 3 == 0).then(pl.lit("a")).otherwise(pl.lit("b")),
            is_sedentary=number % 5 < 2,
            activity_level=pl.when(number % 5 < 2)
            .then(pl.lit("none"))
            .when(number % 5 == 2)
            .then(pl.lit("moderate"))
            .otherwise(pl.lit("vigorous")),
            has_cramps=mixed < 4 + 2 * (number % 5 < 2).cast(pl.Int8),
            has_frequent_cramps=mixed < 2 + (number % 5 < 2).cast(pl.Int8),
            body_mass_index_kg_m2=pl.when(number % 11 > 0).then(20 + number % 17).cast(pl.Float64),
            interview_weight=1.0 + number % 4,
            exam_weight=pl.when(number % 7 > 0).then(1.5 + number % 4).otherwise(0.0),
            stratum=(number // 20).cast(pl.Int32),
            psu=(number % 2).cast(pl.Int32),
            is_synthetic=pl.lit(False),
            matched_set=pl.format("{}", number // 2) if source == PAIRS else pl.lit(None, pl.String),
            is_case=number % 2 == 0 if source == PAIRS else pl.lit(None, pl.Boolean),
        )
        waves.append(frame)
    return pl.concat(waves).drop("number")
