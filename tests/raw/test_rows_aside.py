"""The rows to set aside are listed by their place in the delivery, with every rule they break."""

from collections.abc import Callable, Mapping
from pathlib import Path

import duckdb
import polars as pl

from pipelines.contracts.expectations import rows_aside_sql
from pipelines.contracts.model import Contract
from tests.contracts.sleep_contract import custom, good_frame, values

Load = Callable[..., Contract]


def aside(contract: Contract, frame: pl.DataFrame, wave: str | None = None) -> Mapping[int, list[str]]:
    select = rows_aside_sql(contract, "delivered", wave)
    assert select is not None
    with duckdb.connect(":memory:") as connection:
        connection.register("delivered", frame.to_arrow())
        return dict(connection.sql(select).fetchall())


def test_rows_to_set_aside_are_listed_with_all_rules_they_break(change: Load) -> None:
    contract = change(
        "weight",
        required=True,
        unique=True,
        logicalTypeOptions={"minimum": 1},
        customProperties=custom(severity="set_aside"),
        quality=[
            {
                "id": "it's small",
                "metric": "invalidValues",
                "mustBe": 0,
                "arguments": {"validValues": [5.0]},
                "severity": "set_aside",
            }
        ],
    )
    frame = values("weight", [None, 0.5, 5.0, 0.5])(good_frame())
    assert aside(contract, frame) == {
        1: ["weight.required"],
        2: ["weight.unique", "weight.range", "it's small"],
        4: ["weight.unique", "weight.range", "it's small"],
    }


def test_rules_that_reject_or_warn_set_nothing_aside(change: Load) -> None:
    contract = change("weight", logicalTypeOptions={"minimum": 1}, customProperties=custom(severity="warn"))
    assert rows_aside_sql(contract, "delivered") is None


def test_a_wave_that_did_not_ask_a_column_sets_nothing_aside_for_it(change: Load) -> None:
    contract = change("is_pregnant", required=True, customProperties=custom(waves=["second"], severity="set_aside"))
    frame = good_frame().with_columns(is_pregnant=pl.lit(None, pl.Boolean))
    assert rows_aside_sql(contract, "delivered", "first") is None
    assert list(aside(contract, frame, "second")) == [1, 2, 3, 4]


def test_row_numbers_are_places_in_the_delivered_file(change: Load, tmp_path: Path) -> None:
    contract = change("person", customProperties=custom(severity="set_aside"))
    places = [1, 77_777, 250_000, 299_999, 300_000]
    person = pl.Series("person", range(1, 300_001), dtype=pl.Int32)
    for place in places:
        person[place - 1] = 1
    pl.DataFrame({"person": person}).write_parquet(tmp_path / "delivery.parquet", row_group_size=10_000)
    select = rows_aside_sql(contract, f"read_parquet('{tmp_path / 'delivery.parquet'}')")
    assert select is not None
    with duckdb.connect(":memory:") as connection:
        assert [number for number, _ in connection.sql(select).fetchall()] == places
