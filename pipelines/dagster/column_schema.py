"""A contract as Dagster's column schema and as DuckDB's comments."""

import dagster as dg

from pipelines.contracts.columns import Column
from pipelines.contracts.model import Contract


def table_schema(contract: Contract) -> dg.TableSchema:
    """What Dagster shows under `dagster/column_schema`: types, descriptions, and the rules in words."""
    return dg.TableSchema(
        columns=[_table_column(contract, column) for column in contract.columns],
        constraints=dg.TableConstraints(other=[rule.description for rule in contract.rules if rule.column is None]),
    )


def _table_column(contract: Contract, column: Column) -> dg.TableColumn:
    implied = {f"{column.name}.required", f"{column.name}.unique"}
    rules = [rule.description for rule in contract.rules if rule.column == column.name and rule.rule_id not in implied]
    return dg.TableColumn(
        name=column.name,
        type=column.type,
        description=column.comment,
        constraints=dg.TableColumnConstraints(
            nullable=not column.required, unique=column.unique or contract.key == [column.name], other=rules
        ),
        tags={"classification": column.classification} if column.classification else {},
    )
