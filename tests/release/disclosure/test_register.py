"""Every column and file that a release has is in the register of what tells of people."""

import json
from fnmatch import fnmatch

import polars as pl
import pytest

from pipelines.project.project import Project
from pipelines.release.disclosure.former import NAMING
from pipelines.release.disclosure.hiding import with_hidden
from pipelines.release.disclosure.model import ODDS_RATIOS
from pipelines.release.disclosure.protecting import KNOWN_TABLES
from pipelines.release.disclosure.register import (
    ABOUT_PEOPLE,
    DESCRIBING,
    HANDED_OUT,
    KEPT_INSIDE,
    MANIFEST,
    OF_OBJECTS,
    ONLY_INSIDE,
    REPORTS,
)
from pipelines.release.disclosure.words import KEPT_BACK, with_told_reasons
from pipelines.stages import load_project
from tests.atlas import Atlas


@pytest.fixture(scope="module")
def project() -> Project:
    return load_project()


def test_every_report_table_and_column_has_an_entry(project: Project) -> None:
    contracts = {name: set(c.column_types()) for name, c in project.contracts.items() if c.schema == "report"}
    assert {name: set(columns) for name, columns in REPORTS.items()} == {
        name: columns for name, columns in contracts.items() if name in KNOWN_TABLES
    }
    of_sources = {
        name for name, columns in contracts.items() if "source" in columns and project.contracts[name].schema == "report"
    }
    written_by_hand = {name for name in of_sources if name not in project.report_tables}
    assert of_sources - written_by_hand == {*REPORTS, *ONLY_INSIDE}


def test_a_row_is_named_by_the_whole_key_of_its_contract(project: Project) -> None:
    """A former row stands for the row of its name: two rows with one name would show each other's numbers."""
    keys = {name: set(project.contracts[name].key) for name in REPORTS}
    assert {name: sorted(key - {"source", *NAMING}) for name, key in keys.items()} == {name: [] for name in REPORTS}
    assert all(keys.values())


def test_every_meta_table_and_column_has_an_entry(project: Project) -> None:
    contracts = {name: set(c.column_types()) for name, c in project.contracts.items() if c.schema == "meta"}
    assert set(contracts) == {*DESCRIBING, *ABOUT_PEOPLE}
    assert {name: set(columns) for name, columns in DESCRIBING.items()} == {name: contracts[name] for name in DESCRIBING}
    # rows of other tables are left out by their source
    assert all("source" in contracts[name] for name in ABOUT_PEOPLE)


def test_every_key_of_a_manifest_and_every_file_of_a_release_has_an_entry(published_synthetic: Atlas) -> None:
    release = (published_synthetic.warehouse / "current").resolve()
    manifest = json.loads((release / "manifest.json").read_text(encoding="utf-8"))
    assert set(manifest) == set(MANIFEST)
    assert all(set(entry) == set(OF_OBJECTS) for entry in [*manifest["objects"], *manifest["rests_on"]])
    files = [path.relative_to(release).as_posix() for path in release.rglob("*") if path.is_file()]
    assert [name for name in files if not any(fnmatch(name, known) for known in (*HANDED_OUT, *KEPT_INSIDE))] == []


def test_a_column_without_an_entry_is_shown_in_no_row() -> None:
    rows = pl.DataFrame(
        {
            "source": ["s"],
            "weight": ["w"],
            "model": ["crude"],
            "exposed_cases": [40],
            "odds_ratio": [2.0],
            "median_age": [41.5],
            "presentation": ["show"],
            "presentation_reason": [None],
            "is_suppressed": [False],
        },
        schema_overrides={"presentation_reason": pl.String},
    )
    [row] = with_hidden({ODDS_RATIOS: rows}, [], [])[ODDS_RATIOS].to_dicts()
    assert (row["odds_ratio"], row["median_age"], row["is_suppressed"]) == (2.0, None, True)
    assert row["presentation_reason"] == "median_age: not known to disclosure control"


@pytest.mark.parametrize(
    ("reason", "told"),
    [
        ("no respondents", "no respondents"),
        ("fewer than 30 respondents or effective respondents", "fewer than 30 respondents or effective respondents"),
        ("fewer than 8 degrees of freedom", "fewer than 8 degrees of freedom"),
        ("no accepted delivery of 2005-2006", "no accepted delivery of 2005-2006"),
        ("interval wider than 130 % of the proportion; proportion of 0 or 1", None),
        ("3 PSUs are in another stratum in another wave of the panel", KEPT_BACK),
        ("2 strata have one sampled unit, so no variance within: 17, 18", KEPT_BACK),
        ("7 respondents have no known status", KEPT_BACK),
    ],
)
def test_a_reason_is_told_unless_it_quotes_a_number_that_is_no_threshold_of_a_rule(reason: str, told: str | None) -> None:
    rows = pl.DataFrame({"presentation_reason": [reason, None]})
    assert with_told_reasons("report.prevalence_by_age_band", rows)["presentation_reason"].to_list() == [told or reason, None]
