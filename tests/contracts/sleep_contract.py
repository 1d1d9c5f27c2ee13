"""The small contract `raw.sleep` that the tests change in one place, and rows that meet it."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import polars as pl

CODEBOOK = """variable,received,code,meaning,kind_of_missing
cramps,0,never,Never,
cramps,1,rarely,"Rarely (1 a month)",
cramps,7,,Refused,refused
cramps,9,,Don't know,dont_know
hours,77,,Refused,refused
hours,99,,Don't know,dont_know
"""


def custom(**values: object) -> list[dict[str, object]]:
    return [{"property": name, "value": value} for name, value in values.items()]


def columns() -> list[dict[str, Any]]:
    """The columns of the good contract: a key, codes, codes beside a range, a measurement, a text, a flag of one wave."""
    return [
        {
            "name": "person",
            "logicalType": "integer",
            "physicalType": "INTEGER",
            "description": "Number of the person",
            "primaryKey": True,
        },
        {
            "name": "cramps",
            "physicalType": "INTEGER",
            "description": "Leg cramps",
            "customProperties": custom(codebook=True, question="How often?"),
        },
        {
            "name": "hours",
            "physicalType": "INTEGER",
            "description": "Hours of sleep",
            "logicalTypeOptions": {"minimum": 1, "maximum": 11},
            "customProperties": custom(codebook=True, unit="hours"),
        },
        {"name": "weight", "physicalType": "DOUBLE", "description": "Interview weight"},
        {"name": "note", "physicalType": "VARCHAR", "description": "Remark of the interviewer's"},
        {
            "name": "is_pregnant",
            "physicalType": "BOOLEAN",
            "description": "Pregnant",
            "customProperties": custom(waves=["second"]),
        },
    ]


def document(properties: Sequence[Mapping[str, Any]], quality: Sequence[Mapping[str, Any]] = ()) -> dict[str, Any]:
    """An ODCS document of the table `raw.sleep`."""
    table: dict[str, Any] = {"name": "sleep", "description": "One row per person.", "properties": list(properties)}
    if quality:
        table["quality"] = list(quality)
    return {
        "apiVersion": "v3.1.0",
        "kind": "DataContract",
        "id": "raw.sleep",
        "version": "1.0.0",
        "status": "active",
        "schema": [table],
    }


def good_frame() -> pl.DataFrame:
    """Four people of the second wave who meet the good contract."""
    return pl.DataFrame(
        {
            "person": [1, 2, 3, 4],
            "cramps": [0, 1, 9, None],
            "hours": [8, 1, 99, 11],
            "weight": [1.5, 2.0, 0.0, 3.25],
            "note": ["calm", None, "came late", "tired"],
            "is_pregnant": [None, True, False, None],
        }
    )


def values(name: str, given: Sequence[object]) -> Callable[[pl.DataFrame], pl.DataFrame]:
    """A step that gives one column other values, in its type."""
    return lambda frame: frame.with_columns(pl.Series(name, given, dtype=frame.schema[name], strict=False))
