"""Generated answers and their contract of twenty-five rules, as Parquet and as ODCS: what contracts are timed on.

Keys are unique; about one answer in a thousand breaks a rule about single rows.
"""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq
import yaml
from numpy.random import PCG64, Generator

from pipelines.contracts.model import Contract, load_contract

WAVE = "2024"
_CHUNK = 250_000
_BROKEN = 0.001

_CODEBOOK = """variable,received,code,meaning,kind_of_missing
sex,male,male,Male,
sex,female,female,Female,
cramps,0,never,Never,
cramps,1,rarely,Rarely,
cramps,2,sometimes,Sometimes,
cramps,3,often,Often,
cramps,7,,Refused,refused
cramps,9,,Don't know,dont_know
hours,77,,Refused,refused
hours,99,,Don't know,dont_know
"""


def write_answers(path: Path, n: int, contract: Contract, seed: int = 2026) -> None:
    """One row per answer; the same seed writes the same values."""
    rng = Generator(PCG64(seed))
    schema = contract.arrow_schema()
    with pq.ParquetWriter(path, schema, compression="zstd", store_schema=True) as writer:
        for start in range(0, n, _CHUNK):
            writer.write_table(_answers(rng, start, min(_CHUNK, n - start)).cast(schema))


def _answers(rng: Generator, start: int, n: int) -> pa.Table:
    number = np.arange(start, start + n)
    broken = rng.random((6, n)) < _BROKEN
    moderate = rng.integers(0, 3, n)
    return pa.table(
        {
            "person": number // 2,
            "visit": number % 2,
            # a permutation, so that the numbers do not come in order
            "barcode": (number * 7_919 + 13) % 4_294_967_291,
            "age": np.where(broken[0], 199, rng.integers(16, 86, n)),
            "sex": np.array(["male", "female", "man"])[np.where(broken[1], 2, rng.integers(0, 2, n))],
            "cramps": pa.array(np.where(broken[2], 5, rng.choice([0, 1, 2, 3, 7, 9], n)), mask=rng.random(n) < 0.02),
            "hours": np.where(broken[3], 55, rng.choice([4, 5, 6, 7, 8, 9, 10, 77, 99], n)),
            "weight": np.exp(rng.normal(9.6, 0.7, n)),
            "stratum": rng.integers(1, 16, n),
            "psu": rng.integers(1, 3, n),
            "body_mass_index": pa.array(np.round(27 + 4 * rng.standard_normal(n), 2), mask=rng.random(n) < 0.03),
            "region": np.array(["north", "east", "south", "west"])[rng.integers(0, 4, n)],
            "postcode": _postcodes(rng, broken[4]),
            "is_pregnant": pa.array(rng.random(n) < 0.02, mask=rng.random(n) < 0.5),
            "days_active": np.where(moderate > 0, rng.integers(1, 8, n), broken[5].astype(int)),
            "is_active": moderate > 0,
        }
    )


def _postcodes(rng: Generator, broken: npt.NDArray[np.bool_]) -> npt.NDArray[np.str_]:
    codes = np.array([f"{chr(65 + code % 26)}{code:04d}" for code in range(10_000)] + ["none"])
    return codes[np.where(broken, 10_000, rng.integers(0, 10_000, len(broken)))]


def answers_contract(folder: Path) -> Contract:
    """The contract as every contract is read: from a file and a codebook, written to `folder`."""
    (folder / "raw").mkdir(parents=True, exist_ok=True)
    (folder / "codebooks").mkdir(exist_ok=True)
    path = folder / "raw" / "answers.odcs.yaml"
    path.write_text(yaml.safe_dump(_document(), sort_keys=False), encoding="utf-8")
    (folder / "codebooks" / "answers.csv").write_text(_CODEBOOK, encoding="utf-8")
    return load_contract(path, folder / "codebooks")


def _document() -> dict[str, Any]:
    table = {"name": "answers", "description": "One row per answer.", "properties": _columns(), "quality": _quality()}
    return {
        "apiVersion": "v3.1.0",
        "kind": "DataContract",
        "id": "raw.answers",
        "version": "1.0.0",
        "status": "active",
        "schema": [table],
    }


def _column(name: str, kind: str, **fields: object) -> dict[str, object]:
    return {"name": name, "physicalType": kind, "description": f"The {name}", **fields}


def _columns() -> list[dict[str, object]]:
    """Twenty-two rules: required and in range or listed, a key of two columns and one of its own."""
    listed = [{"property": "codebook", "value": True}]
    return [
        _column("person", "INTEGER", primaryKey=True, primaryKeyPosition=1),
        _column("visit", "INTEGER", primaryKey=True, primaryKeyPosition=2),
        _column("barcode", "BIGINT", required=True, unique=True),
        _column("age", "INTEGER", required=True, logicalTypeOptions={"minimum": 16, "maximum": 110}),
        _column("sex", "VARCHAR", required=True, customProperties=listed),
        _column("cramps", "INTEGER", customProperties=listed),
        _column("hours", "INTEGER", customProperties=listed, logicalTypeOptions={"minimum": 1, "maximum": 24}),
        _column("weight", "DOUBLE", required=True, logicalTypeOptions={"exclusiveMinimum": 0}),
        _column("stratum", "INTEGER", required=True, logicalTypeOptions={"minimum": 1, "maximum": 15}),
        _column("psu", "INTEGER", logicalTypeOptions={"enum": [1, 2]}),
        _column(
            "body_mass_index",
            "DOUBLE",
            quality=[{"metric": "nullValues", "mustBeLessOrEqualTo": 5, "unit": "percent"}],
            logicalTypeOptions={"minimum": 1, "maximum": 90},
        ),
        _column("region", "VARCHAR", logicalTypeOptions={"enum": ["north", "east", "south", "west"]}),
        _column("postcode", "VARCHAR", logicalTypeOptions={"pattern": "^[A-Z][0-9]{4}$", "minLength": 1, "maxLength": 8}),
        _column("is_pregnant", "BOOLEAN"),
        _column("days_active", "INTEGER"),
        _column("is_active", "BOOLEAN", required=True),
    ]


def _quality() -> list[dict[str, object]]:
    mean = {"type": "expect_column_mean_to_be_between", "kwargs": {"column": "weight", "min_value": 1_000, "max_value": 100_000}}
    return [
        {"metric": "rowCount", "mustBeGreaterThan": 0},
        {"type": "sql", "query": "select * from {batch} where is_active <> (days_active > 0)"},
        {"type": "custom", "engine": "greatExpectations", "implementation": mean},
    ]
