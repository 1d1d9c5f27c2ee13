"""A project of one survey of any size and number of waves, and what it delivers: for timing whole nights.

People are made by the select of the synthetic survey, `sql/synthetic/synthetic_survey.sql`, as the two PSUs of each stratum that
were drawn; weights differ from person to person, as those of real surveys do.
"""

import re
import shutil
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pyarrow.parquet as pq
import yaml

from pipelines.machine.quoting import literal
from pipelines.machine.settings import REPOSITORY
from tests.atlas import Atlas, make_atlas

SOURCE, TABLE = "synthetic_survey", "synthetic_survey_respondents"
FIRST_YEAR = 2001
PSUS_PER_STRATUM = 2
TOP_CODE = 80
THREADS = 2
STREAMS = 128
"""Uniforms of a person, at most."""

UNANSWERED = {"leg_cramps": (7, 0.018), "statin": (9, 0.012), "thiazide_diuretic": (7, 0.012), "vigorous_activity": (9, 0.012)}
"""Column -> the code of a refusal or of not knowing, and the share of people who have it."""

OTHERS = (
    "data_contracts/codebooks/nhanes_*",
    "data_contracts/codebooks/synthetic_case_control_*",
    "data_contracts/evidence",
    "data_contracts/raw/nhanes_*",
    "data_contracts/raw/synthetic_case_control_*",
    "data_contracts/raw/synthetic_survey_planted*",
    "data_contracts/report/planted_truth*",
    "data_contracts/sources/nhanes.yaml",
    "data_contracts/sources/synthetic_case_control.yaml",
    "sql/checks/nhanes_*",
    "sql/core/respondents/nhanes.sql",
    "sql/core/respondents/synthetic_case_control.sql",
    "sql/queries",
    "sql/report/planted_truth.sql",
    "sql/synthetic",
)
"""What belongs to the other sources of the repository's study, as patterns of files."""


def big_survey(folder: Path, n: int, n_waves: int) -> Atlas:
    """A project whose only source delivers n respondents in so many Parquet files."""
    atlas = make_atlas(folder, keeping=["cells"])
    for pattern in OTHERS:
        for path in folder.glob(pattern):
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    _without_comparability(folder / "data_contracts" / "core" / "respondents.odcs.yaml")
    waves = [str(FIRST_YEAR + number) for number in range(n_waves)]
    _write_source(folder, waves)
    for number, wave in enumerate(waves):
        write_wave(delivered(atlas, wave), n // n_waves, number)
    return atlas


def delivered(atlas: Atlas, wave: str) -> Path:
    """The file of a wave."""
    return atlas.settings.landing_folder / SOURCE / wave / "respondents.parquet"


def _without_comparability(contract: Path) -> None:
    """What is said of the waves of other sources is said of none here."""
    document = yaml.safe_load(contract.read_text(encoding="utf-8"))
    [table] = document["schema"]
    table["customProperties"] = [found for found in table["customProperties"] if found["property"] != "comparability"]
    contract.write_text(yaml.safe_dump(document, sort_keys=False), encoding="utf-8")


def _write_source(folder: Path, waves: list[str]) -> None:
    """All waves ask the same, so that they are pooled."""
    path = folder / "data_contracts" / "sources" / f"{SOURCE}.yaml"
    source: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    study = yaml.safe_load((folder / "study.yaml").read_text(encoding="utf-8"))
    source.pop("generator")
    tables = {wave: {TABLE: {"file": f"{wave}/respondents.parquet"}} for wave in waves}
    source["waves"] = {wave: {"top_codes": {"age_years": TOP_CODE}, "tables": of_wave} for wave, of_wave in tables.items()}
    if len(waves) > 1:
        asked = [*study["outcomes"], *study["adjustment"], *study["exposures"], *study["characteristics"]["continuous"]]
        verdict = {"verdict": "identical", "reason": "made by the same select", "reference": f"sql/synthetic/{SOURCE}.sql"}
        source["comparability"] = [{"variables": asked, "waves": waves} | verdict]
    path.write_text(yaml.safe_dump(source, sort_keys=False), encoding="utf-8")


def write_wave(path: Path, n: int, seed: int) -> None:
    """One delivery of n people, in the columns of raw.synthetic_survey_respondents; the same seed writes the same values."""
    path.parent.mkdir(parents=True, exist_ok=True)
    made = yaml.safe_load((REPOSITORY / "data_contracts" / "sources" / f"{SOURCE}.yaml").read_text(encoding="utf-8"))["generator"]
    select = (REPOSITORY / "sql" / "synthetic" / f"{SOURCE}.sql").read_text(encoding="utf-8")
    select = re.sub(r"\norder by [^\n]*\s*$", "\n", select)
    streams, n_strata = made["streams"], made["population"]["strata"]
    limits: dict[str, str | bool | int | float | list[str]] = {
        "threads": THREADS,
        "memory_limit": "2GB",
        "temp_directory": str(path.parent),
    }
    with duckdb.connect(":memory:", config=limits) as con:
        con.execute("create schema generator")
        con.register("effects", pl.DataFrame([made["effects"]]).to_arrow())
        con.execute("create view generator.effects as select * from effects")
        psus = n_strata * PSUS_PER_STRATUM
        con.execute(
            f"""
            create macro uniform(i, stream) as
              (cast(hash(i * {STREAMS} + stream + {seed * 2**40}) as double) + 0.5) / 18446744073709551616::double;
            create table generator.strata as
              select cast(i + 1 as integer) as stratum, {_uniforms(streams["strata"], 100)} from range({n_strata}) as r(i);
            create table generator.psus as
              select
                cast(i % {n_strata} + 1 as integer) as stratum, cast(i // {n_strata} + 1 as integer) as psu,
                {_uniforms(streams["psus"], 110)}
              from range({psus}) as r(i);
            create view generator.people as
              select
                cast(i + 1 as integer) as person, cast(i % {n_strata} + 1 as integer) as stratum,
                cast(i // {n_strata} % {PSUS_PER_STRATUM} + 1 as integer) as psu, {_uniforms(streams["people"], 0)}
              from range({n}) as r(i);
            """
        )
        con.execute(f"copy ({_sampled(select)}) to {literal(str(path))} (format parquet, compression zstd)")
    with pq.ParquetFile(path) as written:
        assert written.metadata.num_rows == n


def _uniforms(names: list[str], first: int) -> str:
    return ", ".join(f"uniform(i, {first + number}) as u_{name}" for number, name in enumerate(names))


def _sampled(select: str) -> str:
    """The people with the weights of a sample, and without some of their answers."""
    weight = "20 / oversampling * (0.4 + 1.2 * uniform(respondent, 50))"
    replaced = [f"round({name} * {weight}, 6) as {name}" for name in ("interview_weight", "exam_weight", "dietary_weight")]
    replaced += [
        f"case when uniform(respondent, {51 + number}) < {share} then {code} else {name} end as {name}"
        for number, (name, (code, share)) in enumerate(UNANSWERED.items())
    ]
    return f"select * exclude (oversampling) replace ({', '.join(replaced)}) from ({select})"
