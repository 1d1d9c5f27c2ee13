"""Whether respondents of one wave are, by their ids, those of an earlier one: counted, never shown."""

from pathlib import Path

import duckdb

from pipelines.machine.quoting import identifier, literal
from pipelines.raw.drift.compare import Finding

NONE_IS_MEANT = 0.0
"""Waves are samples of different people unless the source says otherwise."""


def repeated_respondents(connection: duckdb.DuckDBPyConnection, before: Path, after: Path, column: str, wave: str) -> Finding:
    """How many ids of the later object stand in the earlier one (of `wave`), too. `statistic` is their share."""
    ids = f"cast({identifier(column)} as varchar)"
    n_before, n_after, n_both = connection.sql(
        f"""
        with earlier as (select distinct {ids} as id from read_parquet({literal(str(before))}) where {ids} is not null),
        later as (select distinct {ids} as id from read_parquet({literal(str(after))}) where {ids} is not null)
        select
          (select count(*) from earlier),
          (select count(*) from later),
          (select count(*) from earlier semi join later using (id))
        """
    ).fetchall()[0]
    share = n_both / n_after if n_after else 0.0
    detail = f"{n_both:,} of {n_after:,} respondent ids are those of wave {wave}, too"
    if n_both:
        detail += ": if they are the same people, say panel: true in the source's file; if not, their ids only look alike"
    return Finding(None, "respondents_repeated", share, NONE_IS_MEANT, n_both > 0, n_before, n_after, detail)
