"""What meta.check_results says of a verdict: denominator, numerator, threshold, and a query that lists the offending rows."""

from collections.abc import Iterable
from contextlib import chdir

import duckdb
import pytest

from tests.atlas import Atlas

SURVEY = "raw.synthetic_survey_respondents"


def n_returned(atlas: Atlas, queries: Iterable[str]) -> list[int]:
    """How many rows each query returns for somebody in the folder of the project."""
    with chdir(atlas.folder), duckdb.connect("warehouse/epi.duckdb", read_only=True) as connection:
        return [len(connection.sql(query).fetchall()) for query in queries]


def test_every_query_returns_exactly_the_failed_rows(published_synthetic: Atlas) -> None:
    verdicts = published_synthetic.query(
        "select table_name, source, wave, rule_id, n_failed, query from meta.check_results where status <> 'not_applicable'"
    )
    assert len(verdicts) > 300
    assert sum(n_failed for *_, n_failed, _ in verdicts) == 10
    found = n_returned(published_synthetic, [query for *_, query in verdicts])
    assert [verdict[:4] for verdict, n_rows in zip(verdicts, found, strict=True) if n_rows != verdict[4]] == []


def test_a_rule_says_what_it_allows_and_of_what_kind_it_is(published_synthetic: Atlas) -> None:
    [found] = published_synthetic.query(
        f"""
        select status, n_checked, n_failed, threshold, dimension from meta.check_results
        where table_name = '{SURVEY}' and rule_id = 'age.range'
        """
    )
    assert found == ("failed", 3_003, 4, "0 rows", "conformity")
    missing = "select count(*) from meta.check_results where threshold is null or dimension is null"
    assert published_synthetic.query(missing) == [(0,)]


def test_what_was_never_delivered_is_not_applicable_with_the_reason(published_synthetic: Atlas) -> None:
    found = published_synthetic.query(
        "select distinct status, n_checked, n_failed, detail, query from meta.check_results where table_name = 'raw.nhanes_slq'"
    )
    assert sorted(found) == [
        ("not_applicable", 0, 0, f"no delivery of nhanes {wave} was ever accepted", None) for wave in ("2005-2006", "2007-2008")
    ]
    claims = published_synthetic.query(
        "select status from meta.check_results where source = 'nhanes' and rule_id like 'sql/checks/%'"
    )
    assert len(claims) > 4
    assert set(claims) == {("not_applicable",)}


def test_a_claim_about_a_table_without_rows_of_the_source_is_not_passed(published_synthetic: Atlas) -> None:
    [found] = published_synthetic.query(
        """
        select status, detail from meta.check_results
        where source = 'synthetic_case_control' and rule_id like '%bands_add_up_to_all.sql'
        """
    )
    assert found == ("not_applicable", "report.prevalence_by_age_band: no rows of synthetic_case_control")


def test_records_aside_carry_column_and_description(published_synthetic: Atlas) -> None:
    found = published_synthetic.query("select distinct rule_id, column_name, description from meta.rejected_rows order by all")
    assert found == [
        ("age.range", "age", "age is at least 16 and at most 110"),
        ("table.primaryKey", "respondent", "no two rows have the same respondent"),
    ]


def test_the_query_of_a_rejected_candidate_reads_what_was_delivered(synthetic: Atlas) -> None:
    rewrite = synthetic.settings.landing_folder / "synthetic_case_control" / "136-pairs" / "participants.csv"
    text = rewrite.read_text(encoding="utf-8").splitlines()
    ages = [line.split(",") for line in text]
    place = ages[0].index("age")
    for line in ages[1:4]:
        line[place] = "7"
    rewrite.unlink()
    rewrite.write_text("\n".join(",".join(line) for line in ages) + "\n", encoding="utf-8")
    source = synthetic.folder / "data_contracts/sources/synthetic_case_control.yaml"
    source.write_text(source.read_text(encoding="utf-8").partition("generator:")[0], encoding="utf-8")
    assert not synthetic.refresh().success
    [(n_failed, query)] = synthetic.query(
        """
        select n_failed, query from meta.check_results
        where not is_in_release and rule_id = 'age.range' and wave = '136-pairs'
        """
    )
    assert n_failed == 3
    assert n_returned(synthetic, [query]) == [3]
    assert synthetic.query("select count(*) from raw.synthetic_case_control_participants where age = 7") == [(0,)]


@pytest.mark.parametrize("database", ["epi.duckdb", "epi_public.duckdb"])
def test_both_databases_have_the_verdicts(published_synthetic: Atlas, database: str) -> None:
    assert published_synthetic.query("select count(query) > 0 from meta.check_results", database) == [(True,)]
