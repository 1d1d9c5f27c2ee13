"""A small study of samples that were drawn in unlike ways, each of them a source: its files, written into a new project."""

import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl
import yaml

from pipelines.authoring.new_project import write_project
from tests.atlas import Atlas

DATA = Path(__file__).with_name("data")

STUDY: dict[str, Any] = {
    "study": "designs",
    "title": "Samples drawn in unlike ways",
    "question": "Does each design keep its standard errors?",
    "age_bands": {"lower_bounds": [0, 20, 40, 60]},
    "populations": {
        "everyone": {"label": "Everyone", "where": "age_years >= 0", "by_age_band": True},
        "adults": {"label": "Adults", "where": "age_years >= 20", "by_age_band": False},
    },
    "outcomes": {"has_outcome": {"label": "Outcome"}},
    "exposures": {"is_exposed": {"label": "Exposure", "reference": False}},
    "adjustment": {"age_years": {"form": "linear"}, "sex": {"reference": "male"}},
    "characteristics": {"continuous": {"age_years": {"label": "Age, years"}}},
    "odds_ratios": {"populations": ["everyone"], "common_outcome_prevalence": 0.15, "multiple_testing": "holm"},
    "standardisation": {"standard_population": "us_2000_adults_three_groups", "populations": ["adults"]},
}

TYPES = {pl.String: "VARCHAR", pl.Int64: "INTEGER", pl.Float64: "DOUBLE"}


@dataclass(frozen=True)
class Sample:
    """A source: the keys of its file that say how it was drawn, and what its select returns of that (column -> expression)."""

    declared: Mapping[str, Any]
    returned: Mapping[str, str]
    columns: Mapping[str, str] = field(default_factory=dict)


def _replicated(n: int, **declared: Any) -> Sample:
    """A sample with replicate weights r1, r2 ..."""
    listed = f"[{', '.join(f'r{number}' for number in range(1, n + 1))}]"
    return Sample({"replicate_weights": declared}, {"interview_weight": "weight", "interview_replicate_weights": listed})


SAMPLES: dict[str, Sample] = {
    "strat": Sample(
        {"has_psus": False, "finite_population": True},
        {"stratum": "type", "interview_weight": "weight", "n_population": "fpc"},
    ),
    "clus": Sample(
        {"has_strata": False, "finite_population": True},
        {"psu": "district", "interview_weight": "weight", "n_population": "fpc"},
    ),
    "calibrated": Sample(
        {"has_strata": False, "calibrated_to": "the schools of each type"},
        {"psu": "number", "interview_weight": "weight"},
    ),
    "jk1": _replicated(15, method="jk1", centre="estimate"),
    "fay": _replicated(16, method="fay", fay_rho=0.3, centre="mean"),
    "imputed": Sample(
        {"imputed": {"imputations": 5, "variables": ["has_outcome", "is_exposed"]}, "psus_nested": True},
        {
            "stratum": "stratum",
            "psu": "psu",
            "interview_weight": "weight",
            "has_outcome_imputed": "[y1 = 1, y2 = 1, y3 = 1, y4 = 1, y5 = 1]",
            "is_exposed_imputed": "[x1 = 1, x2 = 1, x3 = 1, x4 = 1, x5 = 1]",
        },
    ),
    "brr": _replicated(4, method="brr", centre="mean"),
}

OF_DESIGNS = {
    "n_population": ("integer", "BIGINT"),
    "interview_replicate_weights": ("array", "DOUBLE[]"),
    "has_outcome_imputed": ("array", "BOOLEAN[]"),
    "is_exposed_imputed": ("array", "BOOLEAN[]"),
}
"""Columns that a respondent table has for designs like these."""


def make_study(folder: Path) -> Atlas:
    """A project with every sample as a source, all of them delivered."""
    write_project(folder, "empty")
    atlas = Atlas(folder)
    path = folder / "study.yaml"
    path.write_text(yaml.safe_dump(yaml.safe_load(path.read_text(encoding="utf-8")) | STUDY, sort_keys=False), encoding="utf-8")
    (folder / "sql" / "core" / "respondents").mkdir(parents=True)
    (folder / "data_contracts" / "raw").mkdir(parents=True)
    _add_columns(folder)
    for name, sample in SAMPLES.items():
        _add_source(atlas, name, sample)
    return atlas


def _add_columns(folder: Path) -> None:
    """What docs/designs.md tells to add to the respondents: columns of the contract."""
    path = folder / "data_contracts" / "core" / "respondents.odcs.yaml"
    contract = yaml.safe_load(path.read_text(encoding="utf-8"))
    contract["schema"][0]["properties"] += [
        {"name": name, "logicalType": logical, "physicalType": physical, "description": f"{name} of the design."}
        for name, (logical, physical) in OF_DESIGNS.items()
    ]
    path.write_text(yaml.safe_dump(contract, sort_keys=False), encoding="utf-8")


def _add_source(atlas: Atlas, name: str, sample: Sample) -> None:
    delivered = pl.read_csv(DATA / f"{name}.csv", infer_schema_length=None)
    landed = atlas.settings.landing_folder / name / "people.csv"
    landed.parent.mkdir(parents=True)
    shutil.copy(DATA / f"{name}.csv", landed)
    file = {
        "source": name,
        "title": f"The sample {name}",
        "design": "survey",
        "classification": "public_use",
        "citation": "Data of the survey package of R.",
        "terms_of_use": "None.",
        **sample.declared,
        "waves": {"2000": {"tables": {name: {"file": "people.csv"}}}},
    }
    _write(atlas.folder / "data_contracts" / "sources" / f"{name}.yaml", file)
    _write(atlas.folder / "data_contracts" / "raw" / f"{name}.odcs.yaml", _contract(name, delivered))
    select = {
        "respondent_id": "cast(id as varchar)",
        "age_years": "age",
        "sex": "sex",
        "has_outcome": "y = 1",
        "is_exposed": "x = 1",
        **{f"{asked}_missing": f"case when {column} is null then 'missing' end" for asked, column in MISSING.items()},
        **sample.returned,
    }
    columns = ",\n".join(f"  {expression} as {column}" for column, expression in select.items())
    path = atlas.folder / "sql" / "core" / "respondents" / f"{name}.sql"
    path.write_text(f"-- one row per person\nselect\n{columns}\nfrom raw.{name}\n", encoding="utf-8")


MISSING = {"age_years": "age", "sex": "sex", "has_outcome": "y", "is_exposed": "x"}


def _contract(name: str, delivered: pl.DataFrame) -> dict[str, Any]:
    columns: list[dict[str, Any]] = [
        {"name": column, "physicalType": TYPES[type(kind)], "description": f"{column} of the sample."}
        for column, kind in delivered.schema.items()
    ]
    columns[0] |= {"primaryKey": True, "primaryKeyPosition": 1}
    for column in columns:
        if column["physicalType"] == "DOUBLE":
            column["customProperties"] = [{"property": "unit", "value": "people"}]
    return {
        "apiVersion": "v3.1.0",
        "kind": "DataContract",
        "id": f"raw.{name}",
        "name": name,
        "version": "1.0.0",
        "status": "active",
        "description": {"purpose": "A sample of the data of R's survey package."},
        "schema": [{"name": name, "physicalType": "table", "description": "One row per person.", "properties": columns}],
    }


def _write(path: Path, content: dict[str, Any]) -> None:
    path.write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")
