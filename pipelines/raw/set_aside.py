"""Records that break a rule which sets them aside: split off from a delivery, and listed."""

import numpy as np
import polars as pl
import pyarrow as pa

from pipelines.contracts.expectations import rows_aside_sql
from pipelines.contracts.model import Contract
from pipelines.making.engine import confine, engine
from pipelines.project.project import Project
from pipelines.store import Place
from pipelines.store.places import rejected_rows_place

REJECTED_ROWS = pa.schema(
    [
        pa.field("source", pa.string()),
        pa.field("wave", pa.string()),
        pa.field("table_name", pa.string()),
        pa.field("row_number", pa.int64()),
        pa.field("rule_id", pa.string()),
        pa.field("column_name", pa.string()),
        pa.field("description", pa.string()),
    ]
)


def set_aside(project: Project, place: Place, table: pa.Table) -> tuple[str, int, str, int]:
    """Split off the records that break a `set_aside` rule: (content, rows) of the rest and of the list of rejected rows."""
    with engine(project.settings) as connection:
        connection.register("delivered", table)
        confine(connection)
        rejected = connection.sql(rows_aside_sql(project.contracts[place.name], "delivered", place.wave) or "").to_arrow_table()
    is_kept = np.ones(table.num_rows, dtype=bool)
    is_kept[rejected.column("row_number").to_numpy() - 1] = False
    content, rows = project.store.write(place, table.filter(pa.array(is_kept)))
    aside, _ = project.store.write(rejected_rows_place(place), _listed(project.contracts[place.name], place, rejected))
    return content, rows, aside, rejected.num_rows


def _listed(contract: Contract, place: Place, rejected: pa.Table) -> pa.Table:
    """Rows (row_number, failed_rules) as one row per record and rule, in the order of the delivery and of the contract."""
    rules = pl.DataFrame(
        [(rule.rule_id, ", ".join(rule.columns) or None, rule.description) for rule in contract.rules],
        schema=["rule_id", "column_name", "description"],
        orient="row",
    )
    where = [
        pl.lit(value).alias(name)
        for name, value in zip(REJECTED_ROWS.names, (place.source, place.wave, place.name), strict=False)
    ]
    broken = pl.DataFrame(rejected).explode("failed_rules").rename({"failed_rules": "rule_id"})
    listed = broken.join(rules, on="rule_id", how="left", maintain_order="left").with_columns(where)
    return listed.select(REJECTED_ROWS.names).to_arrow().cast(REJECTED_ROWS)
