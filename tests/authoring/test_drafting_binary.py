"""From a file of another program to a draft that it passes: what the file says is in the draft, what is wrong is said."""

from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from pipelines.authoring.drafting import Written, write_draft
from pipelines.contracts.model import Contract, load_contract
from pipelines.landing.readers.delivered import DeliveryUnreadable
from pipelines.landing.readers.reading import read_delivery
from pipelines.machine.errors import ConfigurationError
from pipelines.machine.settings import Settings
from pipelines.project.form import Form
from pipelines.raw.conform import conform
from tests.small_deliveries import delivery


def drafted(folder: Path, name: str, **form: str) -> tuple[Written, Contract, str]:
    """What `contract init` writes of a file in a project of its own: its steps, the contract, and the texts of all files."""
    settings = Settings(project=folder)
    written = write_draft(settings, delivery(name, folder), "clinic", "visits", "2024", Form(**form), list_text_values=False)
    contract = load_contract(settings.data_contracts / "raw" / "visits.odcs.yaml", settings.data_contracts / "codebooks")
    return written, contract, "\n".join(path.read_text(encoding="utf-8") for path in written.paths)


SEEN, NEVER = datetime(2024, 1, 2, 3, 4, 5), datetime(9999, 12, 31)

READ: list[tuple[str, dict[str, str], dict[str, str], list[tuple[Any, ...]]]] = [
    ("parquet_decimal_id.parquet", {}, {"id": "BIGINT", "w": "DOUBLE"}, [(9007199254740993, 1.1), (9007199254740995, 2.25)]),
    ("parquet_int96_sentinel.parquet", {}, {"valid_to": "TIMESTAMP"}, [(1, SEEN), (2, NEVER)]),
    ("parquet_time.parquet", {}, {"t": "DOUBLE"}, [(1, 37800.0)]),
    ("xpt_latin1.xpt", {"encoding": "cp1252"}, {"T": "VARCHAR"}, [(1, "café"), (2, "naïf")]),
    ("xpt_two_members.xpt", {"member": "DEMO"}, {"AGE": "INTEGER"}, [(1, 44), (2, 51)]),
    ("dta_cp1258.dta", {"encoding": "cp1258"}, {"q": "INTEGER"}, [("Hanoi", 1), ("Hue", 2)]),
]  # fmt: skip


@pytest.mark.parametrize(("name", "form", "types", "rows"), READ, ids=[case[0] for case in READ])
def test_a_file_passes_its_draft_with_the_values_that_were_sent(
    tmp_path: Path, name: str, form: dict[str, str], types: dict[str, str], rows: list[tuple[Any, ...]]
) -> None:
    _, contract, text = drafted(tmp_path, name, **form)
    assert {column: contract.column(column).type for column in types} == types
    delivered = read_delivery(delivery(name, tmp_path), Form(**form), Settings(project=tmp_path))
    table = conform(delivered.frame, contract, "2024", faults=delivered.column_faults)
    assert [tuple(row.values()) for row in table.to_pylist()][:2] == rows
    for key, value in form.items():
        assert f"{key}: {value}" in text


def test_a_column_with_nan_is_named_and_left_out(tmp_path: Path) -> None:
    written, contract, _ = drafted(tmp_path, "parquet_nan.parquet")
    assert contract.left_out == ("bmi",)
    assert any(
        "column 2 of 2 is delivered with NaN or infinity in 1 of 3 rows (named bmi)" in step for step in written.next_steps
    )


def test_what_nothing_in_the_file_decides_is_said(tmp_path: Path) -> None:
    written, _, _ = drafted(tmp_path, "xpt_blank_last_row.xpt")
    assert "the file holds 2 records, or up to 11 blank ones more" in written.next_steps[0]


def test_seconds_and_zones_are_in_the_draft(tmp_path: Path) -> None:
    _, contract, _ = drafted(tmp_path / "seconds", "parquet_time.parquet")
    assert contract.column("t").unit == "seconds"
    _, _, text = drafted(tmp_path / "zones", "parquet_tz.parquet")
    assert "# TODO instants as a clock in Europe/Berlin shows them" in text


def test_declared_missing_values_are_in_the_draft(tmp_path: Path) -> None:
    _, _, text = drafted(tmp_path, "sav_declared_missing_unlabelled.sav")
    assert "# TODO the file declares 998 thru 999 missing" in text
    assert 'age,998,,"TODO 998 is declared missing' in text


def test_a_column_twice_and_a_folder_are_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="column id is delivered twice"):
        drafted(tmp_path, "parquet_dup.parquet")
    with pytest.raises(DeliveryUnreadable, match=r"found a folder at .* Deliver one file"):
        drafted(tmp_path, "spark_folder.parquet")
