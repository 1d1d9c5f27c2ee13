"""Restricted sources from source file to release: what the public files hold, and what an attacker gets out of them."""

from pathlib import Path

import duckdb
import polars as pl
import pytest
import yaml

from pipelines.machine.errors import ConfigurationError
from pipelines.release.disclosed import meta_for_readers
from pipelines.release.disclosure.former import FORMER
from pipelines.release.kept import manifests
from pipelines.release.prune import prune
from pipelines.release.publish import publish
from pipelines.release.verify import verify
from tests.atlas import Atlas
from tests.raw.drift.test_deliveries import deliver
from tests.release.disclosure.attack import Condition, Group
from tests.release.disclosure.survey_picture import (
    CELLS,
    COUNTED,
    ESTIMATES,
    MINIMUM,
    SURVEY,
    is_small,
    picture,
    published_counts,
    with_what_follows,
)

CASE_CONTROL = "synthetic_case_control"


def declare(atlas: Atlas, source: str, **settings: object) -> None:
    path = atlas.folder / "data_contracts" / "sources" / f"{source}.yaml"
    declared = yaml.safe_load(path.read_text(encoding="utf-8")) | settings
    path.write_text(yaml.safe_dump(declared, sort_keys=False), encoding="utf-8")


@pytest.fixture(scope="module")
def restricted_survey(published_synthetic: Atlas, tmp_path_factory: pytest.TempPathFactory) -> Atlas:
    """The survey of 3,000 declared restricted, and published again. Read only."""
    atlas = published_synthetic.copy(tmp_path_factory.mktemp("restricted") / "project")
    declare(atlas, SURVEY, classification="restricted")
    assert publish(atlas.project).is_new
    return atlas


@pytest.fixture(scope="module")
def withheld_pairs(published_synthetic: Atlas, tmp_path_factory: pytest.TempPathFactory) -> Atlas:
    """The case-control source declared restricted, its microdata withheld, and published again. Read only."""
    atlas = published_synthetic.copy(tmp_path_factory.mktemp("withheld") / "project")
    declare(atlas, CASE_CONTROL, classification="restricted", microdata="withheld")
    assert publish(atlas.project).is_new
    return atlas


def rows(atlas: Atlas, table: str, database: str, source: str) -> list[Group]:
    with duckdb.connect(str(atlas.warehouse / database), read_only=True) as connection:
        return connection.sql(f"select * from report.{table} where source = '{source}'").pl().to_dicts()


def hidden_counts(atlas: Atlas) -> int:
    """How many small counts of the survey an attacker with the public database cannot bound; that is all of them."""
    attacker = picture()
    hidden: list[tuple[Group, str, Condition]] = []
    for table in COUNTED:
        full = rows(atlas, table, "epi.duckdb", SURVEY)
        public = rows(atlas, table, "epi_public.duckdb", SURVEY)
        for truth, row in zip(map(with_what_follows, full), public, strict=True):
            for column, condition in published_counts(row):
                attacker.learn(condition, row.get(column))
                if is_small(truth, column):
                    hidden.append((truth, column, condition))
    distinct = {tuple(attacker.sum_of(condition)): (truth, column, condition) for truth, column, condition in hidden}
    for truth, column, condition in distinct.values():
        lower, upper = attacker.bounds(condition)
        # his picture is true: otherwise his failure would prove nothing
        assert lower - 1e-5 <= truth[column] <= upper + 1e-5
        assert upper - lower >= MINIMUM - 1e-5, (
            column,
            {name: truth.get(name) for name in ("population", "outcome", "exposure")},
        )
    return len(hidden)


def test_an_attacker_with_the_public_database_bounds_no_small_count(restricted_survey: Atlas) -> None:
    assert hidden_counts(restricted_survey) > 150


def test_the_same_attacker_gets_every_count_from_the_full_tables(restricted_survey: Atlas) -> None:
    attacker = picture()
    asked: list[tuple[Group, str, Condition]] = []
    for table in ("prevalence_by_age_band", "prevalence_by_exposure"):
        for row in map(with_what_follows, rows(restricted_survey, table, "epi.duckdb", SURVEY)):
            for column, condition in published_counts(row):
                if column != "n_others":
                    attacker.learn(condition, row[column])
                elif is_small(row, column) or row["population"] == "women_20_44":
                    asked.append((row, column, condition))
    for row, column, condition in asked[:5]:
        assert attacker.bounds(condition) == pytest.approx((row[column], row[column]), abs=1e-5)
    assert len(asked) >= 5


@pytest.mark.parametrize("table", COUNTED)
def test_no_small_count_stands_in_a_public_table(restricted_survey: Atlas, table: str) -> None:
    full = rows(restricted_survey, table, "epi.duckdb", SURVEY)
    public = rows(restricted_survey, table, "epi_public.duckdb", SURVEY)
    keys = ("wave", "population", "outcome", "age_band", "sex", "exposure", "exposure_level", "model")
    assert [[row.get(key) for key in keys] for row in public] == [[row.get(key) for key in keys] for row in full]
    for truth, row in zip(map(with_what_follows, full), public, strict=True):
        small = [column for column in (*CELLS, "n_respondents", "n_cases", "n_missing") if is_small(truth, column)]
        assert all(row[column] is None for column in small)
        if is_small(truth, "n_others") or set(small) - {"n_missing"}:
            assert [row.get(name) for name in ESTIMATES] == [None] * len(ESTIMATES)
        hidden = [name for name in row if row[name] is None and truth[name] is not None]
        assert row["is_suppressed"] == bool(hidden)
        assert not row["is_suppressed"] or "disclosure control" in row["presentation_reason"]
    assert not any(row["is_suppressed"] for row in full)


def test_every_public_file_holds_the_same_protected_rows(restricted_survey: Atlas) -> None:
    for table in COUNTED:
        with duckdb.connect(str(restricted_survey.warehouse / "epi_public.duckdb"), read_only=True) as connection:
            public = connection.sql(f"select * from report.{table}").pl()
        exported = pl.read_parquet(restricted_survey.warehouse / "current" / "report" / f"{table}.parquet")
        assert exported.rows() == public.rows()
    page = (restricted_survey.warehouse / "current" / "report.html").read_text(encoding="utf-8")
    assert "disclosure control" in page


@pytest.mark.parametrize(
    ("table", "n_rows"),
    # flow: four populations and two outcomes; characteristics: two outcomes, 31 or more levels and four means
    [("planted_truth", 64), ("respondent_flow", 8), ("characteristics_by_outcome", 74)],
)
def test_tables_that_disclosure_control_does_not_follow_have_no_row_of_a_restricted_source(
    restricted_survey: Atlas, table: str, n_rows: int
) -> None:
    select = f"select count(*) from report.{table} where source = '{SURVEY}'"
    assert restricted_survey.query(select, "epi_public.duckdb") == [(0,)]
    exported = pl.read_parquet(restricted_survey.warehouse / "current" / "report" / f"{table}.parquet")
    assert exported.filter(source=SURVEY).is_empty()
    assert restricted_survey.query(select) == [(n_rows,)]


def test_counts_of_records_are_kept_back_and_records_set_aside_are_not_listed(restricted_survey: Atlas) -> None:
    for database, is_open in (("epi.duckdb", True), ("epi_public.duckdb", False)):
        where = f"where source = '{SURVEY}'"
        [(rows_, rejected, tables)] = restricted_survey.query(
            f"select max(n_rows), max(n_rejected_rows), max(n_tables) from meta.deliveries {where}", database
        )
        assert (rows_ is not None, rejected is not None, tables) == (is_open, is_open, 2)
        [(checked, failed)] = restricted_survey.query(
            f"select count(n_checked), count(n_failed) from meta.check_results {where}", database
        )
        assert (checked > 0, failed > 0) == (is_open, is_open)
        [(aside,)] = restricted_survey.query(f"select count(*) from meta.rejected_rows {where}", database)
        assert (aside > 0) == is_open


def test_the_manifest_counts_no_records_of_a_restricted_source(restricted_survey: Atlas) -> None:
    rows_of = {made["place"].split()[1]: made["rows"] for made in manifests(restricted_survey.project)[-1]["objects"]}
    assert rows_of[SURVEY] is None
    assert rows_of[CASE_CONTROL] is not None
    for made in manifests(restricted_survey.project)[-1]["objects"]:
        is_restricted = made["place"].split()[1] == SURVEY
        counting = {"expected rows", "records received"} & set(made["ingredients"])
        assert not (is_restricted and (counting or made["rejected_rows"]))
        assert counting or not made["place"].startswith("raw.synthetic_case_control")


def test_no_text_of_the_public_database_quotes_the_records_of_a_restricted_source(restricted_survey: Atlas) -> None:
    """The survey has 20,003 records in its file; selects that list broken rules count them to find an object's rows."""
    where = f"where source = '{SURVEY}'"
    for column in ("detail", "query"):
        found = {
            text for (text,) in restricted_survey.query(f"select {column} from meta.check_results {where}", "epi_public.duckdb")
        }
        assert found <= {None, "kept back by disclosure control"}


def test_a_problem_that_may_hold_a_count_is_not_quoted() -> None:
    found = pl.DataFrame(
        {
            "source": ["open", "kept", "kept"],
            "reason": ["3 records", "3 records", None],
            "n_tables": [1, 1, 1],
            "n_rows": [7, 7, 7],
        }
    )
    shown = meta_for_readers({"meta.deliveries": found, "meta.comparability": found, "meta.anything": found}, {"kept"})
    assert shown["meta.deliveries"].rows() == [
        ("open", "3 records", 1, 7),
        ("kept", "kept back by disclosure control", 1, None),
        ("kept", None, 1, None),
    ]
    # what an analyst wrote stays; columns and tables that disclosure control does not know do not
    assert shown["meta.comparability"].rows() == [
        ("open", "3 records", 1, 7),
        ("kept", "3 records", None, None),
        ("kept", None, None, None),
    ]
    assert shown["meta.anything"].rows() == found.rows()[:1]


def test_sources_that_are_not_restricted_are_published_as_they_are(
    published_synthetic: Atlas, restricted_survey: Atlas, withheld_pairs: Atlas
) -> None:
    for table in COUNTED:
        for source, atlas in ((CASE_CONTROL, restricted_survey), (SURVEY, withheld_pairs)):
            before = rows(published_synthetic, table, "epi_public.duckdb", source)
            assert rows(atlas, table, "epi_public.duckdb", source) == before
            assert not any(row["is_suppressed"] for row in before)


def test_withheld_microdata_is_nowhere_in_the_full_database(withheld_pairs: Atlas) -> None:
    tables = withheld_pairs.query("select schema_name, table_name from duckdb_columns() where column_name = 'source'")
    assert ("core", "respondents") in tables
    for schema, table in tables:
        if schema == "core" or table == "rejected_rows":
            assert withheld_pairs.query(f"select count(*) from {schema}.{table} where source = '{CASE_CONTROL}'") == [(0,)]
    raw = withheld_pairs.query("select table_name, estimated_size from duckdb_tables() where schema_name = 'raw'")
    assert {table: n for table, n in raw if table.startswith(CASE_CONTROL)} == {
        "synthetic_case_control_participants": 0,
        "synthetic_case_control_planted": 0,
    }
    assert dict(raw)["synthetic_survey_respondents"] > 0
    full, public = (rows(withheld_pairs, "odds_ratios", name, CASE_CONTROL) for name in ("epi.duckdb", "epi_public.duckdb"))
    assert full == public
    assert withheld_pairs.query(f"select count(n_rows) from meta.deliveries where source = '{CASE_CONTROL}'") == [(0,)]


def test_few_discordant_pairs_hide_a_matched_odds_ratio_and_the_wave_that_would_give_it_away(
    published_synthetic: Atlas, withheld_pairs: Atlas
) -> None:
    before = {row["wave"]: row for row in rows(published_synthetic, "odds_ratios", "epi.duckdb", CASE_CONTROL)}
    after = {row["wave"]: row for row in rows(withheld_pairs, "odds_ratios", "epi_public.duckdb", CASE_CONTROL)}
    # all four cells of the 136 pairs are large, but in fewer than eleven pairs only the control is exposed
    assert all(before["136-pairs"][cell] >= MINIMUM for cell in CELLS)
    difference = before["136-pairs"]["exposed_cases"] - before["136-pairs"]["exposed_noncases"]
    assert difference / (before["136-pairs"]["odds_ratio"] - 1) < MINIMUM
    assert after["136-pairs"]["odds_ratio"] is None
    # 136 pairs and 5,000 pairs are pooled: one of the two other rows must go as well
    assert sorted(row["odds_ratio"] is None for row in after.values()) == [False, True, True]


def test_one_person_less_in_the_next_delivery_moves_no_public_count_by_one(restricted_survey: Atlas, tmp_path: Path) -> None:
    atlas = restricted_survey.copy(tmp_path / "project")
    counts = ("n_respondents", "n_cases", "n_missing", *CELLS)
    before = {table: rows(atlas, table, "epi_public.duckdb", SURVEY) for table in COUNTED}
    deliver(atlas, lambda frame: frame.filter(pl.int_range(pl.len()) != 17))
    assert atlas.refresh().success
    moved = 0
    former = []
    for table in COUNTED:
        full = rows(atlas, table, "epi.duckdb", SURVEY)
        for was, row, truth in zip(before[table], rows(atlas, table, "epi_public.duckdb", SURVEY), full, strict=True):
            shown = [name for name in counts if was.get(name) is not None and row.get(name) is not None]
            assert [was[name] for name in shown] == [row[name] for name in shown]
            moved += any(was[name] != truth[name] for name in shown)
            former += [row["presentation_reason"]] if FORMER in (row["presentation_reason"] or "") else []
    assert moved > 10  # of the full rows
    assert len(former) >= moved
    ledger = sorted(path.name for path in (atlas.warehouse / "disclosed" / SURVEY).iterdir())
    assert ledger == ["0001", "latest"]  # nothing was shown of the new people
    prune(atlas.project)
    assert sorted(path.name for path in (atlas.warehouse / "disclosed" / SURVEY).iterdir()) == ledger
    # what was shown cannot be read: nothing is shown, that is said, and it is over when the file is back
    public = rows(atlas, "odds_ratios", "epi_public.duckdb", SURVEY)
    head = atlas.warehouse / "disclosed" / SURVEY / "0001" / "version.json"
    kept = head.rename(tmp_path / "kept.json")
    assert publish(atlas.project).is_new
    assert rows(atlas, "odds_ratios", "epi_public.duckdb", SURVEY) == []
    [said] = manifests(atlas.project)[-1]["undrawn"]
    assert f"Nothing of {SURVEY} is in the public files" in said
    assert "0001 cannot be read, which tells what earlier releases showed" in said
    [problem] = verify(atlas.project, manifests(atlas.project)[-1])
    assert f"disclosed/{SURVEY} is damaged or incomplete: nothing of it is in the public files until it is restored" in problem
    kept.rename(head)
    assert publish(atlas.project).is_new
    assert rows(atlas, "odds_ratios", "epi_public.duckdb", SURVEY) == public != []


def test_a_changed_threshold_makes_a_new_release_and_estimates_nothing_anew(withheld_pairs: Atlas, tmp_path: Path) -> None:
    atlas = withheld_pairs.copy(tmp_path / "project")
    assert not publish(atlas.project).is_new
    atlas.edit("study.yaml", "minimum_cell: 11", "minimum_cell: 2")
    assert publish(atlas.project).is_new  # it would refuse report tables that had to be made again
    assert not any(row["is_suppressed"] for row in rows(atlas, "odds_ratios", "epi_public.duckdb", CASE_CONTROL))


def test_only_the_microdata_of_a_restricted_source_can_be_withheld(published_synthetic: Atlas, tmp_path: Path) -> None:
    atlas = published_synthetic.copy(tmp_path / "project")
    declare(atlas, SURVEY, microdata="withheld")
    with pytest.raises(ConfigurationError, match=r"\(microdata\): can be withheld of a restricted source only"):
        _ = atlas.project


@pytest.mark.parametrize("minimum", [1, 0, -5])
def test_a_threshold_that_hides_nothing_is_refused(published_synthetic: Atlas, tmp_path: Path, minimum: int) -> None:
    atlas = published_synthetic.copy(tmp_path / "project")
    atlas.edit("study.yaml", "minimum_cell: 11", f"minimum_cell: {minimum}")
    with pytest.raises(ConfigurationError, match=r"disclosure\.minimum_cell"):
        _ = atlas.project
