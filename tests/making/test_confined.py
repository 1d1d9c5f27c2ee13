"""SQL that an analyst wrote reaches what it is given and nothing else: told in words when it is read, refused when it runs."""

from pathlib import Path

import duckdb
import polars as pl
import pytest

from pipelines.contracts.duckdb_datasource import parquet_batch
from pipelines.contracts.model import load_contracts
from pipelines.machine.errors import ConfigurationError
from pipelines.machine.reaching import reaches_out
from pipelines.machine.settings import REPOSITORY, Settings
from pipelines.making.engine import bind_frame, bind_objects, confine, engine
from pipelines.project.selects import load_checks, load_selects, load_vocabularies

REACHING = {
    "select * from read_csv('SECRET')": "calls read_csv",
    "select (select content from read_text('SECRET')) as x from raw.people": "calls read_text",
    "select * from raw.people where id in (select size from read_blob('SECRET'))": "calls read_blob",
    "select * from glob('/etc/*')": "calls glob",
    "from 'SECRET'": "reads `SECRET`",
    "select * from 'SECRET' as x cross join raw.people": "reads `SECRET`",
    "select * from parquet_scan('SECRET')": "calls",
    "select * from query('from read_text(''SECRET'')')": "calls query",
    "select getenv('HOME') as x from raw.people": "calls getenv",
    "select * from sniff_csv('SECRET')": "calls sniff_csv",
    "select * from duckdb_secrets()": "calls duckdb_secrets",
    "select random() as x from raw.people": "calls random",
    "with p as (select * from raw.people) select * from people": "reads `people`",
}
"""A select -> the beginning of what is said of it."""

RUN = (
    "select * from read_csv('SECRET')",
    "select content from read_text('SECRET')",
    "select size from read_blob('SECRET')",
    "select * from read_json('SECRET')",
    "select * from read_parquet('OBJECT')",
    "select * from glob('/etc/*')",
    "from 'SECRET'",
    "select * from query('from read_text(''SECRET'')')",
    "select * from sniff_csv('SECRET')",
    "copy (select 1) to 'SECRET'",
    "attach 'SECRET.db'",
    "install httpfs",
    "export database 'SECRET.d'",
    "set enable_external_access = true",
    "set allowed_paths = ['/etc/passwd']",
    "reset lock_configuration",
    "set threads = 1",
)
"""Each works on a connection that is not confined, but for the last that need no file."""

REFUSAL = "disabled by configuration|the configuration has been locked"
"""How DuckDB says that a connection may not, and not that something is missing or misspelt."""


@pytest.mark.parametrize(("select", "said"), REACHING.items())
def test_a_select_that_reaches_out_is_refused_in_words_where_it_is_read(tmp_path: Path, select: str, said: str) -> None:
    (tmp_path / "report").mkdir()
    (tmp_path / "report" / "x.sql").write_text(select, encoding="utf-8")
    with pytest.raises(ConfigurationError, match=r"^sql/report/x\.sql: ") as refused:
        load_selects(tmp_path)
    assert said in str(refused.value)


def test_no_select_of_the_project_reaches_out() -> None:
    sql = REPOSITORY / "sql"
    checks = [check for checks in load_checks(sql / "checks").values() for check in checks]
    found = [*load_selects(sql).values(), *load_vocabularies(sql).values(), *checks]
    assert len(found) > 10
    rows = [rule.query for contract in load_contracts(REPOSITORY / "data_contracts").values() for rule in contract.rules]
    queries = [query for query in rows if query and "from" in query and "{batch}" in query]
    assert len(queries) > 5
    assert [query for query in queries if reaches_out(query.replace("{batch}", "b"), {"b"}, "", schemas=False)] == []


@pytest.mark.parametrize("statement", RUN)
def test_on_a_confined_connection_nothing_is_reached(tmp_path: Path, statement: str) -> None:
    """What was not told before it runs is refused when it runs; what is bound can be read all the same."""
    secret = tmp_path / "secret.csv"
    secret.write_text("a\n1\n", encoding="utf-8")
    unbound = tmp_path / "unbound.parquet"
    for path in (tmp_path / "object.parquet", unbound):
        pl.DataFrame({"id": [1, 2]}).write_parquet(path)
    contracts = load_contracts(REPOSITORY / "data_contracts")
    contract = contracts["raw.nhanes_slq"]
    other = pl.DataFrame({"SEQN": [7]})
    other.write_parquet(tmp_path / "other.parquet")
    with engine(Settings(project=tmp_path, warehouse=tmp_path / "warehouse")) as connection:
        bind_objects(connection, contract, [tmp_path / "object.parquet"])
        bind_objects(connection, contracts["raw.nhanes_demo"], [tmp_path / "other.parquet"])
        bind_frame(connection, "raw", "people", pl.DataFrame({"id": [1]}))
        confine(connection)
        with pytest.raises(duckdb.Error, match=REFUSAL):
            connection.execute(statement.replace("SECRET", str(secret)).replace("OBJECT", str(unbound))).fetchall()
        assert connection.execute("select id from raw.nhanes_slq order by 1").fetchall() == [(1,), (2,)]
        assert connection.execute("select SEQN from raw.nhanes_demo").fetchall() == [(7,)]
        with pytest.raises(duckdb.CatalogException):
            connection.sql("select * from other")  # a frame of this program is no table either
    assert secret.read_text(encoding="utf-8") == "a\n1\n"


def test_a_rule_of_a_contract_reads_its_own_file_only(tmp_path: Path) -> None:
    for name in ("judged", "other"):
        pl.DataFrame({"id": [1]}).write_parquet(tmp_path / f"{name}.parquet")
    with parquet_batch(tmp_path / "judged.parquet") as (_, batch), batch.data.execution_engine.get_connection() as connection:
        read = "select count(*) from read_parquet('{}')"
        assert connection.exec_driver_sql(read.format(tmp_path / "judged.parquet")).fetchall() == [(1,)]
        with pytest.raises(Exception, match="disabled by configuration"):
            connection.exec_driver_sql(read.format(tmp_path / "other.parquet")).fetchall()
