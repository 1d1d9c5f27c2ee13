"""What people see of a contract in Dagster and in DuckDB."""

from collections.abc import Callable

import duckdb

from pipelines.contracts.model import Contract
from pipelines.dagster.column_schema import table_schema
from pipelines.machine.quoting import identifier
from pipelines.release.database import comments_sql
from tests.contracts.sleep_contract import custom

Load = Callable[..., Contract]


def test_the_column_schema_has_types_constraints_and_rules_in_words(change: Load) -> None:
    schema = table_schema(change("weight", classification="confidential", logicalTypeOptions={"minimum": 0}))
    columns = {column.name: column for column in schema.columns}
    assert {name: column.type for name, column in columns.items()}["weight"] == "DOUBLE"
    assert columns["person"].constraints.unique
    assert not columns["person"].constraints.nullable
    assert columns["weight"].constraints.nullable
    assert columns["weight"].constraints.other == ["weight is at least 0"]
    assert dict(columns["weight"].tags) == {"classification": "confidential"}
    assert columns["hours"].description == "Hours of sleep. Unit: hours."
    assert columns["hours"].constraints.other == ["hours is at least 1 and at most 11 or is listed in the codebook (77, 99)"]
    assert columns["is_pregnant"].description == "Pregnant. Waves: second."


def test_comments_survive_quotes(change: Load) -> None:
    contract = change(
        "note", description="The interviewer's \"remark\"; it's free text", customProperties=custom(question="What's new?")
    )
    with duckdb.connect(":memory:") as connection:
        connection.execute('create schema "odd""schema"')
        types = ", ".join(f"{identifier(name)} {kind}" for name, kind in contract.column_types().items())
        connection.execute(f'create table "odd""schema"."sl\'eep" ({types})')
        for statement in comments_sql(contract, 'odd"schema', "sl'eep"):
            connection.execute(statement)
        assert connection.execute("select comment from duckdb_tables()").fetchall() == [("One row per person.",)]
        comments = dict(
            connection.execute("select column_name, comment from duckdb_columns() where comment is not null").fetchall()
        )
    assert comments["note"] == "The interviewer's \"remark\"; it's free text. Question: What's new?"
    assert set(comments) == set(contract.column_types())
