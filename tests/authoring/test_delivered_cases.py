"""Every small delivery as a person tries it: drafted, judged by its draft; its values arrive, or one sentence says what to do."""

from collections.abc import Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest

from pipelines.authoring.drafting import write_draft
from pipelines.contracts.model import load_contract
from pipelines.landing.readers.reading import read_delivery
from pipelines.machine.errors import CrampAtlasError
from pipelines.machine.settings import Settings
from pipelines.project.form import Form
from pipelines.project.sources import load_source
from pipelines.raw.conform import conform
from tests.small_deliveries import delivery, names

NO_DELIVERY = "perfect_association"
"""A folder of a whole project."""

Rows = Sequence[tuple[Any, ...]]

TAKEN: dict[str, tuple[dict[str, str], Rows]] = {
    "csv_exp_ids.csv": ({"tract": "VARCHAR"}, [(1, "1E2"), (2, "10E1"), (3, "3E5")]),
    "csv_header_newline.csv": ({"How often did you have cramps?": "INTEGER"}, [(1, 2), (2, 3)]),
    "csv_multi_answer.csv": ({"reasons": "VARCHAR"}, [(1, "1,2"), (2, "2,3"), (3, "1")]),
    "csv_na.csv": ({"age": "VARCHAR", "country": "VARCHAR"}, [(1, "NA", "NA"), (2, "44", "DE"), (3, "51", "NA")]),
    "csv_nfd_names.csv": ({"gr\u00f6\u00dfe": "INTEGER"}, [(1, 170)]),
    "csv_thousands.csv": ({"income": "VARCHAR"}, [(1, "1,234"), (2, "12,500"), (3, "999")]),
    "csv_twodigit_year.csv": ({"born": "VARCHAR"}, [(1, "24-01-02"), (2, "99-12-31")]),
    "parquet_decimal_id.parquet": (
        {"id": "BIGINT"},
        [(9007199254740993, 1.1), (9007199254740995, 2.25), (1234567890123456789, 3.3)],
    ),
    "parquet_int96_sentinel.parquet": ({}, [(1, datetime(2024, 1, 2, 3, 4, 5)), (2, datetime(9999, 12, 31))]),
    "parquet_nan.parquet": ({"id": "INTEGER"}, [(1,), (2,), (3,)]),
    "parquet_time.parquet": ({"t": "DOUBLE"}, [(1, 37800.0)]),
    "parquet_tz.parquet": ({}, [(1, datetime(2024, 1, 2, 0, 30)), (2, datetime(2024, 7, 2, 0, 30))]),
    "por_declared_missing.por": ({}, [(1, 1, 44, "yes"), (2, 9, 999, "NA"), (3, 8, 51, "no"), (4, 2, 998, "yes")]),
    "sav_declared_missing_code.sav": ({"q": "INTEGER"}, [(1,), (2,), (9,), (8,)] * 20),
    "sav_declared_missing_unlabelled.sav": ({}, [(1, 44), (2, 999), (3, 51), (4, 998)]),
    "xlsx_1904_excel2013.xlsx": ({"born": "DATE"}, [(1, date(1950, 1, 2)), (2, date(2000, 2, 29))]),
    "xlsx_bool_and_number.xlsx": ({"flag": "VARCHAR"}, [(1, "true"), (2, "2"), (3, "0")]),
    "xlsx_na_codes.xlsx": ({}, [(1, "DE", "3", "x"), (2, "NA", "N/A", "NA"), (3, "FR", "2", "null")]),
    "xlsx_none_is_an_answer.xlsx": ({}, [(1, "2"), (2, "None"), (3, "1"), (4, "0")]),
    "xpt_blank_last_row.xpt": ({}, [("x", "y"), ("z", None)]),
    "xpt_dtdate.xpt": ({"VISIT": "DATE"}, [(1, date(1982, 1, 1)), (2, date(2024, 1, 1))]),
}

REFUSED = {
    "csv_comment.csv": "Remove the lines of comment",
    "csv_sep_line.csv": "Excel's `sep=` hint, not the names of the columns",
    "csv_trailing_sep.csv": "ends with a separator (,)",
    "gz_named_csv.csv": "Add .gz to its name",
    "parquet_bad_checksum.parquet": "the checksum of a page is wrong",
    "parquet_dup.parquet": "column id is delivered twice",
    "spark_folder.parquet": "Deliver one file",
    "wrong_csv_as.parquet": "Name it .csv or .tsv",
    "wrong_csv_as.xlsx": "Name it .csv or .tsv",
    "wrong_html_as.csv": "a web page under a name that ends in .csv",
    "wrong_html_as.xlsx": "a web page under a name that ends in .xlsx",
    "wrong_lfs_pointer.csv": "git lfs pull",
    "wrong_sav_as.dta": "Name it .sav",
    "wrong_xlsx_as.csv": "Name it .xlsx",
    "xlsx_merged.xlsx": "merged cells in A2:A4",
    "xpt_latin1.xpt": "Declare `form: {encoding: cp1252}`",
    "xpt_latin1_value.xpt": "Declare `form: {encoding: cp1252}`",
    "xpt_pad_nul.xpt": "Declare `rows` for it in the source's file",
    "xpt_two_members.xpt": "form: {member: NAME}",
    "zip_deflate64.zip": "Pack it again with Deflate",
}

DECLARED: list[tuple[str, Form, Rows]] = [
    ("csv_cp1250.csv", Form(encoding="cp1250"), [(1, "mężczyzna", "Łódź"), (2, "kobieta", "Gdańsk")]),
    ("dta_cp1258.dta", Form(encoding="cp1258"), [("Hanoi", 1), ("Hue", 2), ("Dalat", 3)]),
    ("xpt_latin1.xpt", Form(encoding="cp1252"), [(1, "café"), (2, "naïf")]),
    ("xpt_two_members.xpt", Form(member="DEMO"), [(1, 44), (2, 51), (3, 60)]),
]


def drafted_and_read(folder: Path, name: str, told: Form) -> tuple[dict[str, str], Rows]:
    """The types that are drafted for a file, and its values by the draft and by the form that the draft declares."""
    settings = Settings(project=folder)
    write_draft(settings, delivery(name, folder), "s", "s_t", "2024", told, list_text_values=False)
    contract = load_contract(settings.data_contracts / "raw" / "s_t.odcs.yaml", settings.data_contracts / "codebooks")
    form = load_source(settings.data_contracts / "sources" / "s.yaml").waves["2024"].tables["s_t"].form
    delivered = read_delivery(delivery(name, folder), form, settings)
    table = conform(delivered.frame, contract, "2024", form.decimal, delivered.column_faults, form.missing)
    return {column.name: column.type for column in contract.columns}, [tuple(row.values()) for row in table.to_pylist()]


def test_every_small_delivery_stands_in_a_table() -> None:
    assert names() - {NO_DELIVERY} == {*TAKEN, *REFUSED, *(name for name, _, _ in DECLARED)}


@pytest.mark.parametrize("name", TAKEN)
def test_a_delivery_is_taken_in_by_its_draft(tmp_path: Path, name: str) -> None:
    types, expected = TAKEN[name]
    drafted, rows = drafted_and_read(tmp_path, name, Form())
    assert rows == expected
    assert drafted.items() >= types.items()


@pytest.mark.parametrize(("name", "form", "expected"), DECLARED)
def test_a_delivery_is_taken_in_where_its_form_is_declared(tmp_path: Path, name: str, form: Form, expected: Rows) -> None:
    assert drafted_and_read(tmp_path, name, form)[1] == expected


@pytest.mark.parametrize("name", REFUSED)
def test_a_delivery_is_refused_with_what_to_do(tmp_path: Path, name: str) -> None:
    with pytest.raises(CrampAtlasError) as raised:
        drafted_and_read(tmp_path, name, Form())
    assert REFUSED[name] in str(raised.value)
    assert "Error" not in str(raised.value)
