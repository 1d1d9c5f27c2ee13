"""A small population in a database that has the macros: two waves of a survey, a cohort, pairs, and a source that is withheld."""

from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
import polars as pl

from pipelines.project.project import Project
from pipelines.project.sources import Source
from pipelines.release.macros.distributions import t_quantiles
from pipelines.release.macros.writing import write_macros
from pipelines.stages import load_project

I = pl.col("i")  # noqa: E741
N_PEOPLE = 2400
WAVES = ("2001", "2002")


def people() -> pl.DataFrame:
    """The people of the survey and of the cohort; questions.R makes the same."""
    survey = pl.DataFrame({"i": range(N_PEOPLE)}).with_columns(
        source=pl.lit("survey"), wave=pl.when(I < N_PEOPLE // 2).then(pl.lit("2001")).otherwise(pl.lit("2002"))
    )
    cohort = pl.DataFrame({"i": range(700)}).with_columns(source=pl.lit("cohort"), wave=pl.lit("2001"))
    return pl.concat([survey, cohort]).with_columns(
        respondent_id=I.cast(pl.String),
        stratum=1 + (I // 60) % 20,
        psu=1 + (I // 20) % 3,
        interview_weight=(1 + (I * 7) % 5).cast(pl.Float64) * 1000.25,
        exam_weight=pl.when(I % 7 == 0).then(0).otherwise(2 + (I * 3) % 4).cast(pl.Float64) * 900.5,
        age_years=20 + (I * 13) % 60,
        age_band=pl.format("{}0-{}9", 2 + (I * 13) % 60 // 10, 2 + (I * 13) % 60 // 10),
        sex=pl.when(I % 3 == 0).then(pl.lit("male")).otherwise(pl.lit("female")),
        activity_level=pl.when(I % 13 != 5).then(
            ((I * I) % 11 % 3).replace_strict({0: "none", 1: "moderate", 2: "vigorous"}, return_dtype=pl.String)
        ),
        is_sedentary=(I * I + I) % 5 < 2,
        takes_statin=pl.when(I % 17 == 3).then(None).otherwise((I * 5) % 9 == 0),
        has_cramps=pl.when(I % 19 == 7).then(None).otherwise((3 * I * I + I // 3) % 7 < 2 + (I // 240) % 2),
        has_frequent_cramps=(I * 11 + I // 7) % 23 == 0,
        body_mass_index_kg_m2=pl.when((I % 7 != 0) & (I % 11 != 3)).then((150 + (I * 37) % 211).cast(pl.Float64) / 7),
    )


def source(name: str, design: str, **more: Any) -> Source:
    said = {
        "source": name,
        "title": name,
        "design": design,
        "classification": "public_use",
        "citation": "Made.",
        "terms_of_use": "None.",
    }
    return Source.model_validate(said | {"waves": {"2001": {"tables": {}}}} | more)


NOT_COMPARABLE = {
    "variables": ["activity_level"],
    "waves": list(WAVES),
    "verdict": "not_comparable",
    "reason": "asked anew",
    "reference": "the questionnaires",
}
WHERE_OLD = NOT_COMPARABLE | {
    "variables": ["takes_statin"],
    "verdict": "recoded",
    "where": "age_years >= 40",
    "reason": "only those of 40 and above were asked alike",
}

SOURCES = {
    "survey": source(
        "survey",
        "survey",
        components={"exam": ["body_mass_index_kg_m2"]},
        waves={wave: {"tables": {}} for wave in WAVES},
        comparability=[NOT_COMPARABLE, WHERE_OLD],
    ),
    "cohort": source("cohort", "cohort"),
    "pairs": source("pairs", "case_control", matched_on=["sex"], case_definition="has_cramps"),
    "registry": source("registry", "cohort", classification="restricted", microdata="withheld"),
}


@cache
def asked_project() -> Project:
    return replace(load_project(), sources=SOURCES)


def write_database(path: str | Path, frame: pl.DataFrame, project: Project) -> None:
    """A database with these people and the macros."""
    types = project.contracts["core.respondents"].column_types()
    columns = ", ".join(
        f"{name}::{kind} as {name}" if name in frame.columns else f"null::{kind} as {name}" for name, kind in types.items()
    )
    with duckdb.connect(str(path)) as connection:
        connection.register("frame", frame.to_arrow())
        connection.execute(
            f"create schema core; create schema meta; create table core.respondents as select {columns} from frame"
        )
        connection.register("quantiles", t_quantiles(project.study.confidence_level).to_arrow())
        connection.execute("create table meta.t_quantiles as select * from quantiles")
        write_macros(connection, project)
