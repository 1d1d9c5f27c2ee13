"""The real NHANES files meet their contracts, and their codes are counted as the published codebook prints them."""

import csv
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
import yaml

from pipelines.contracts.expectations import judge
from pipelines.contracts.model import Contract, load_contract
from pipelines.landing.readers.reading import read_delivery
from pipelines.raw.conform import conform
from tests.nhanes_files import nhanes_folder

REPOSITORY = Path(__file__).resolve().parents[2]
DATA_CONTRACTS = REPOSITORY / "data_contracts"
SOURCE = yaml.safe_load((DATA_CONTRACTS / "sources" / "nhanes.yaml").read_text())
TABLES = [(table, wave) for wave, content in SOURCE["waves"].items() for table in content["tables"]]


def contract_of(table: str) -> Contract:
    return load_contract(DATA_CONTRACTS / "raw" / f"{table}.odcs.yaml", DATA_CONTRACTS / "codebooks")


def delivered(table: str, wave: str) -> pa.Table:
    return conform(
        read_delivery(nhanes_folder() / SOURCE["waves"][wave]["tables"][table]["file"]).frame, contract_of(table), wave
    )


@pytest.mark.parametrize(("table", "wave"), TABLES)
def test_a_published_file_is_accepted(table: str, wave: str, tmp_path: Path) -> None:
    conformed = delivered(table, wave)
    assert conformed.num_rows == SOURCE["waves"][wave]["tables"][table]["rows"]
    pq.write_table(conformed, tmp_path / "object.parquet")
    results = judge(tmp_path / "object.parquet", contract_of(table), wave)
    assert [result for result in results if result.status not in ("passed", "not_applicable")] == []
    not_asked = {column.name for column in contract_of(table).columns if not column.is_asked_in(wave)}
    assert {result.column for result in results if result.status == "not_applicable"} <= not_asked


def published_codebook(table: str, wave: str) -> Mapping[str, Any]:
    cycle = {"2005-2006": "D", "2007-2008": "E"}[wave]
    codebook: dict[str, dict[str, Any]] = json.loads((nhanes_folder() / "codebook.json").read_text())
    return codebook.get(f"{table.removeprefix('nhanes_').upper()}_{cycle}", {})


@pytest.mark.parametrize(("table", "wave"), [place for place in TABLES if place[0] not in ("nhanes_dr1tot", "nhanes_rxq_drug")])
def test_codes_are_counted_as_the_published_codebook_prints_them(table: str, wave: str) -> None:
    conformed, contract = delivered(table, wave), contract_of(table)
    listed = {(code.variable, code.received) for code in (contract.codebook.codes if contract.codebook else ())}
    published = published_codebook(table, wave)
    assert set(published) == {column.name for column in contract.columns if column.is_asked_in(wave)}
    for variable, entry in published.items():
        values = conformed.column(variable)
        texts = [None if value is None else str(value) for value in values.to_pylist()]
        single = {
            code["code"]: code["count"]
            for code in entry["codes"]
            if code["desc"] not in ("Range of Values", "Value was recorded")
        }
        missing = single.pop(".", single.pop("< blank >", None))
        if missing is not None:
            assert values.null_count == missing, variable
        column = contract.column(variable)
        for code, count in single.items():
            as_typed = str(float(code)) if column.type == "DOUBLE" else code
            assert texts.count(as_typed) == count, (variable, code)
            if column.codebook_variable or variable == "RXDDRUG":
                assert (variable, code) in listed
        ranges = [code for code in entry["codes"] if code["desc"] == "Range of Values"]
        if ranges and not variable.startswith("WT"):  # the printed range of a weight is rounded
            lower, upper = (float(end) for end in ranges[0]["code"].split(" to "))
            within = pc.and_(pc.greater_equal(values, lower), pc.less_equal(values, upper))
            coded_within = sum(count for code, count in single.items() if lower <= float(code) <= upper)
            assert pc.sum(within).as_py() == ranges[0]["count"] + coded_within, variable


def test_every_code_of_the_codebooks_is_published() -> None:
    without_codes = ("nhanes_dr1tot", "nhanes_rxq_drug", "nhanes_biopro")
    for table in sorted({table for table, _ in TABLES if table not in without_codes}):
        entries = [published_codebook(table, wave) for wave in ("2005-2006", "2007-2008")]
        known = {
            (variable, code["code"]) for entry in entries for variable, content in entry.items() for code in content["codes"]
        }
        codebook = contract_of(table).codebook
        assert codebook is not None
        assert {(code.variable, code.received) for code in codebook.codes} <= known


def test_a_reliable_recall_is_code_1_in_both_cycles() -> None:
    """Nutrients are totalled for a reliable recall only: not where it is unreliable, not done, or holds breast milk."""
    for wave in ("2005-2006", "2007-2008"):
        table = delivered("nhanes_dr1tot", wave)
        rows = zip(table.column("DR1DRSTZ").to_pylist(), table.column("DR1TMAGN").to_pylist(), strict=True)
        has_magnesium = {(status, magnesium is not None) for status, magnesium in rows}
        assert has_magnesium == {(1, True), (2, False), (4, False), (5, False)}


HARMONISED = {
    ("nhanes_slq", "SLQ160"): {
        **{"0": "never", "1": "rarely", "2": "sometimes", "3": "often", "4": "almost_always"},
        **{"7": "refused", "9": "dont_know"},
    },
    ("nhanes_demo", "RIAGENDR"): {"1": "male", "2": "female"},
    ("nhanes_demo", "RIDRETH1"): {
        **{"1": "mexican_american", "2": "other_hispanic", "3": "non_hispanic_white"},
        **{"4": "non_hispanic_black", "5": "other_race"},
    },
    ("nhanes_demo", "RIDEXPRG"): {"1": "yes", "2": "no", "3": "missing"},
    ("nhanes_paq", "PAD200"): {"1": "yes", "2": "no", "3": "unable", "7": "refused", "9": "dont_know"},
    ("nhanes_paq", "PAD320"): {"1": "yes", "2": "no", "3": "unable", "7": "refused", "9": "dont_know"},
    ("nhanes_paq", "PAQ650"): {"1": "yes", "2": "no", "7": "refused", "9": "dont_know"},
    ("nhanes_paq", "PAQ665"): {"1": "yes", "2": "no", "7": "refused", "9": "dont_know"},
    ("nhanes_paq", "PAD680"): {"7777": "refused", "9999": "dont_know"},
    ("nhanes_rxq_rx", "RXDUSE"): {"1": "yes", "2": "no", "7": "refused", "9": "dont_know"},
    ("nhanes_rxq_rx", "RXDDRUG"): {"55555": "dont_know", "77777": "refused", "99999": "dont_know"},
    ("nhanes_dr1tot", "DR1DRSTZ"): {"1": "reliable", "2": "not_reliable", "4": "breast_milk", "5": "not_done"},
}


@pytest.mark.parametrize(("table", "variable"), HARMONISED)
def test_a_harmonised_variable_has_these_codes_or_kinds_of_missing(table: str, variable: str) -> None:
    with (DATA_CONTRACTS / "codebooks" / f"{table}.csv").open(newline="") as file:
        lines = [line for line in csv.DictReader(file) if line["variable"] == variable]
    assert {line["received"]: line["code"] or line["kind_of_missing"] for line in lines} == HARMONISED[table, variable]


def test_every_contract_states_its_grain_its_terms_and_its_key() -> None:
    keys = {}
    for table in {table for table, _ in TABLES}:
        contract = contract_of(table)
        assert contract.description.startswith("One row per ")
        document = yaml.safe_load((DATA_CONTRACTS / "raw" / f"{table}.odcs.yaml").read_text())
        kinds = {definition["type"] for definition in document["description"]["authoritativeDefinitions"]}
        assert {"documentation", "terms"} <= kinds
        assert "never to identify a person" in document["description"]["usage"]
        keys[table] = contract.key
    person = ["nhanes_demo", "nhanes_slq", "nhanes_paq", "nhanes_bmx", "nhanes_dr1tot", "nhanes_biopro"]
    assert keys == {**{table: ["SEQN"] for table in person}, "nhanes_rxq_rx": [], "nhanes_rxq_drug": ["RXDDRGID"]}


def test_an_impossible_age_rejects_and_weights_have_no_upper_limit() -> None:
    rules = {rule.rule_id: rule for rule in contract_of("nhanes_demo").rules}
    assert rules["RIDAGEYR.range"].severity == "reject"
    assert rules["RIDAGEYR.range"].kwargs == {
        **{"column": "RIDAGEYR", "min_value": 0, "max_value": 85},
        **{"strict_min": False, "strict_max": False},
    }
    assert "max_value" not in rules["WTINT2YR.range"].kwargs
    assert rules["WTMEC2YR.range"].kwargs["min_value"] == 0
