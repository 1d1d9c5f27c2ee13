"""The schema `ask` of a release: table macros that answer a question about the people in `epi.duckdb`, from any DuckDB client.

A macro checks its arguments, writes one select about the respondents and runs it. What cannot be said in SQL is in pipelines/ask.
"""
