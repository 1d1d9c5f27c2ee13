"""Variables that were filled in several times: whether their lists can be used, and the respondents with one imputation."""

from collections.abc import Collection

import duckdb
import polars as pl

from pipelines.machine.quoting import identifier
from pipelines.project.ages import follows, group_of_age
from pipelines.project.designs import Imputation
from pipelines.project.respondents import IMPUTED, REASON


def problems_of_imputations(
    connection: duckdb.DuckDBPyConnection, relation: str, imputation: Imputation, select: str
) -> list[str]:
    """What makes the imputed values of one wave unusable, a sentence each: what, where and what to do. No value is quoted."""
    problems = []
    for name in imputation.variables:
        column, values = identifier(name), identifier(f"{name}{IMPUTED}")
        kinds = {
            f"have {name}{IMPUTED} of another length than {imputation.imputations}": f"len({values}) <> {imputation.imputations}",
            f"have {name} observed and other values in {name}{IMPUTED}": (
                f"len(list_filter({values}, lambda x: x is distinct from {column})) > 0 and {column} is not null"
            ),
        }
        filters = ", ".join(f"count(*) filter ({is_kind})" for is_kind in kinds.values())
        [(n, n_lists, *counts)] = connection.sql(f"select count(*), count({values}), {filters} from {relation}").fetchall()
        problems += [
            f"of {n:,} respondents {count:,} {kind}: mend it in {select} (docs/designs.md)"
            for kind, count in zip(kinds, counts, strict=True)
            if count
        ]
        if n and not n_lists:
            problems.append(f"no respondent has {name}{IMPUTED}: return the imputed values in {select} (docs/designs.md)")
    return problems


def completed(relation: str, columns: Collection[str], imputation: Imputation, number: int, age_bands: pl.DataFrame) -> str:
    """A select of the respondents with the values of one imputation (from 1) in the place of what is not known.

    A variable that is filled in has no reason to be missing; the age band follows the age.
    """
    filled = {name: f"coalesce({identifier(f'{name}{IMPUTED}')}[{number}], {identifier(name)})" for name in imputation.variables}
    replaced = dict(filled)
    for name, value in filled.items():
        if f"{name}{REASON}" in columns:
            replaced[f"{name}{REASON}"] = f"case when {value} is null then {identifier(f'{name}{REASON}')} end"
    for band, age in follows(filled).items():
        if band in columns:
            replaced[band] = group_of_age(filled[age], age_bands.select(band, "lower_age", "upper_age").iter_rows())
    listed = ", ".join(f"{expression} as {identifier(name)}" for name, expression in replaced.items())
    return f"select * replace ({listed}) from {relation}"
