"""SQL that would mean another thing on Spark, and that there is none in what both engines run."""

from pathlib import Path

import pytest
import sqlglot

from pipelines.core.answers import answers, derived
from pipelines.making.portable import carried, traps
from pipelines.project.decoding import decoded
from pipelines.project.project import Project
from pipelines.stages import load_project
from tests.atlas import OPTIONAL_PARTS

SQL = Path(__file__).parents[2] / "sql"

NOT_CARRIED = {
    "queries/codes_of_a_variable.sql": "asks for a setting of the connection",
    "queries/find_a_column.sql": "asks for a setting of the connection",
    "queries/what_a_column_means.sql": "asks for a setting of the connection",
    "synthetic/synthetic_case_control.sql": "makes a delivery, on this machine and before there is anything to read",
    "synthetic/synthetic_diary.sql": "makes a delivery, on this machine and before there is anything to read",
    "synthetic/synthetic_dispensings.sql": "makes a delivery, on this machine and before there is anything to read",
    "synthetic/synthetic_survey.sql": "makes a delivery, on this machine and before there is anything to read",
}
"""The files of sql/ that DuckDB alone runs, and why."""

TRAPS = {
    "cast(w * 1e9 as bigint)": "cast(round(w * 1e9) as bigint)",
    "cast(2.5 as integer)": "cast(round(2.5) as integer)",
    "w::int": "cast(floor(w) as int)",
    "cast(case when a then w else 1 end as bigint)": "cast(case when a then 2 else 1 end as bigint)",
    "cast(round(w, 1) as integer)": "cast(30 * round(w) as integer)",
    "cast(n as hugeint)": "cast(count(n) as bigint)",
    "hash(a)": "md5(a)",
    "list(a order by b)": "min(a)",
    "string_agg(a, ',')": "max(a)",
    "first(a)": "sum(a)",
    "any_value(a)": "count(a)",
    "extract(year from d)": "year(d)",
    "date_part('dow', d)": "month(d)",
    "date_trunc('month', d)": "day(d)",
    "strftime(d, '%Y')": "d",
    "log(w)": "log10(w)",
    "getvariable('word')": "'word'",
    "regexp_matches(a, '^b')": "starts_with(a, 'b')",
    "1 / 0": "1 / 2",
    "a / b": "a / nullif(b, 0)",
    "a % b": "a % 2",
    "a // b": "a // nullif(b, 0)",
    "max(a) filter (where b) over (partition by c)": "max(case when b then a end) over (partition by c)",
    "* exclude (a)": "a, b",
    "* replace (a + 1 as a)": "a + 1 as a",
}
"""What another engine reads otherwise -> what all read alike."""


@pytest.fixture(scope="module")
def project() -> Project:
    return load_project()


@pytest.mark.parametrize(("other", "alike"), TRAPS.items())
def test_what_means_another_thing_is_found_and_its_remedy_is_not(other: str, alike: str) -> None:
    assert len(traps(f"select {other} from t")) >= 1
    assert traps(f"select {alike} from t") == []


@pytest.mark.parametrize("clause", ["group by all", "order by all"])
def test_keys_are_listed(clause: str) -> None:
    assert len(traps(f"select a from t {clause}")) == 1
    assert traps(f"select a from t {clause.replace('all', 'a')}") == []


def test_every_file_of_sql_is_free_of_traps_or_named_with_a_reason() -> None:
    for path in SQL.rglob("*.sql"):
        name = str(path.relative_to(SQL))
        if name not in NOT_CARRIED:
            assert list(map(str, traps(path.read_text(encoding="utf-8")))) == [], name
    assert all((SQL / name).exists() for name in NOT_CARRIED)


def test_every_other_file_of_sql_is_run_on_every_engine() -> None:
    """tests/spark runs all of these folders, in a project with published estimates and in one with events."""
    others = {path.relative_to(SQL) for path in SQL.rglob("*.sql")} - set(map(Path, NOT_CARRIED))
    assert {path.parts[0] for path in others} == {"checks", "core", "queries", "report"}
    optional = {name for name, part in OPTIONAL_PARTS.items() if any(file.startswith("sql/") for file in part.files)}
    assert optional == {"evidence", "sequences", "diary"}


def test_what_is_written_around_a_select_is_free_of_traps(project: Project) -> None:
    for contract in project.contracts.values():
        if contract.schema == "raw" and contract.codebook:
            assert traps(decoded(contract)) == []
    contract, vocabulary = project.contracts["core.respondents"], project.vocabularies["core.respondents"]
    asked = {name: select for name, select in project.selects.items() if name.startswith("core.respondents/")}
    assert len(asked) == 3
    for source in (project.sources[name.partition("/")[2]] for name in asked):
        select = asked[f"core.respondents/{source.source}"]
        returned = dict.fromkeys(sqlglot.parse_one(select.text, read="duckdb").named_selects, "INTEGER")  # type: ignore[attr-defined]
        text = answers(select, returned, contract, source, derived(vocabulary), project.study.age_bands.frame())
        assert traps(text) == []


@pytest.mark.parametrize(
    ("duckdb", "spark"),
    [
        ("select a from raw.t order by a", "SELECT a FROM `t1` AS t ORDER BY a NULLS LAST"),
        ("select raw_t.a from raw.t as raw_t", "SELECT raw_t.a FROM `t1` AS raw_t"),
        ("select 'a\\b'", "SELECT 'a\\\\b'"),
        ("select coalesce(w, 0.0)", "SELECT COALESCE(w, CAST(0.0 AS DOUBLE))"),
        ("select a / 2 / 3", "SELECT CAST(CAST(a AS DOUBLE) / 2 AS DOUBLE) / 3"),
    ],
)
def test_a_select_is_carried(duckdb: str, spark: str) -> None:
    assert carried(duckdb, {"raw.t": "t1"}) == spark
