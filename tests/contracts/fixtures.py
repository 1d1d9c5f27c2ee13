"""From a changed contract to its verdict."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from pipelines.contracts.expectations import RuleResult, judge
from pipelines.contracts.model import Contract, load_contract
from tests.contracts.sleep_contract import CODEBOOK, columns, document


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A data_contracts folder with the codebook of the good contract and no contract yet."""
    for name in ("raw", "codebooks", "sources"):
        (tmp_path / "data_contracts" / name).mkdir(parents=True)
    (tmp_path / "data_contracts" / "codebooks" / "sleep.csv").write_text(CODEBOOK)
    return tmp_path / "data_contracts"


@pytest.fixture
def load(folder: Path) -> Callable[..., Contract]:
    """Write a document (by default the good one) and load it."""

    def write_and_load(content: Mapping[str, Any] | None = None) -> Contract:
        path = folder / "raw" / "sleep.odcs.yaml"
        path.write_text(yaml.safe_dump(content or document(columns()), sort_keys=False))
        return load_contract(path, folder / "codebooks")

    return write_and_load


@pytest.fixture
def change(load: Callable[..., Contract]) -> Callable[..., Contract]:
    """Load the good contract with fields of one column, or entries of the table's quality, changed."""

    def change_and_load(column: str | None = None, table_quality: Sequence[Mapping[str, Any]] = (), **fields: Any) -> Contract:
        changed = [{**given, **fields} if given["name"] == column else given for given in columns()]
        return load(document(changed, table_quality))

    return change_and_load


@pytest.fixture
def verdicts(tmp_path: Path) -> Callable[..., dict[str, RuleResult]]:
    """Judge rows, as they stand and in the contract's types, and return the results by rule."""

    def write_and_judge(frame: pl.DataFrame, contract: Contract, wave: str = "second") -> dict[str, RuleResult]:
        schema = contract.arrow_schema()
        arrays = [frame[name].to_arrow().cast(schema.field(name).type) for name in schema.names]
        pq.write_table(pa.Table.from_arrays(arrays, schema=schema), tmp_path / "object.parquet")
        return {result.rule_id: result for result in judge(tmp_path / "object.parquet", contract, wave)}

    return write_and_judge
