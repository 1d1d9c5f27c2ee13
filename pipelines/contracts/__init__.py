"""Data contracts: one ODCS file a table, from which types, checks, comments and column schemas are made.

`model` reads the files, `conform` casts a delivery to a contract's columns and types, `expectations` judges the rows,
`dagster_schema` and `comments` tell Dagster and DuckDB what the columns mean. Where deliveries lie, when they are read
and what a verdict leads to does not belong here.
"""
