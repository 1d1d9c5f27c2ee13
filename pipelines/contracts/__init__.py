"""Data contracts: one ODCS file a table, from which types, checks, comments and column schemas are made.

`model` reads the files, `expectations` judges the rows of an object. Where deliveries lie, when they are read and what a
verdict leads to does not belong here.
"""
