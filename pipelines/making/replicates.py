"""Whether the replicate weights of a survey's respondents can carry a variance, and what they come to for an estimate."""

from collections.abc import Sequence

import duckdb
import numpy as np
import polars as pl

from pipelines.machine.quoting import identifier, literal
from pipelines.project.designs import Replication
from pipelines.project.respondents import REPLICATES_OF
from pipelines.statistics import ReplicateWeights
from pipelines.statistics.replicate_weights import importance_of


def problems_of_replicates(
    connection: duckdb.DuckDBPyConnection, relation: str, replication: Replication, weights: Sequence[str], select: str
) -> list[str]:
    """What makes the replicate weights of one wave unusable, a sentence each: what, where and what to do."""
    return [
        f"{problem}: mend it in {select} (docs/designs.md)"
        for weight in weights
        for problem in _problems(connection, relation, replication, weight)
    ]


def _problems(connection: duckdb.DuckDBPyConnection, relation: str, replication: Replication, weight: str) -> list[str]:
    column, replicates = identifier(weight), REPLICATES_OF[weight]
    some = f"{column} > 0"
    kinds = {
        f"have a {weight} and no {replicates}": f"{some} and {replicates} is null",
        f"have {replicates} that are not all finite numbers": (
            f"{some} and len(list_filter({replicates}, lambda x: x is null or not isfinite(x))) > 0"
        ),
        f"have {replicates} and 0 as {weight}": f"not {some} and len(list_filter({replicates}, lambda x: x <> 0)) > 0",
    }
    filters = ", ".join(f"count(*) filter ({is_kind})" for is_kind in kinds.values())
    numbers = f"list(distinct len({replicates})) filter ({some} and {replicates} is not null)"
    [(*counts, n, lengths)] = connection.sql(f"select {filters}, count(*), {numbers} from {relation}").fetchall()
    found = [f"of {n:,} respondents {count:,} {kind}" for kind, count in zip(kinds, counts, strict=True) if count]
    if len(lengths or []) > 1:
        found.append(f"{replicates} are {min(lengths):,} for some respondents and {max(lengths):,} for others")
    elif lengths and lengths[0] < 2:
        found.append(f"{replicates} are {lengths[0]} a respondent, and a variance needs several")
    elif lengths and replication.rscales is not None and len(replication.rscales) != lengths[0]:
        n_scales = len(replication.rscales)
        found.append(f"{replicates} are {lengths[0]:,} a respondent, and the source's file has {n_scales:,} rscales")
    return found


def replicates_of(
    connection: duckdb.DuckDBPyConnection, respondents: str, replication: Replication, weight: str, waves: Sequence[str]
) -> tuple[ReplicateWeights, pl.DataFrame]:
    """The replicate weights of the respondents of some waves, and the unit of each of them (wave, respondent_id, unit).

    People are one unit where every replicate multiplies their weights alike. Those with a weight of 0 are in none.
    """
    column = identifier(weight)
    rows = connection.sql(
        f"select wave, respondent_id, {column} as weight, {REPLICATES_OF[weight]} as replicates from {respondents} "
        f"where wave in ({', '.join(map(literal, waves))}) and {column} > 0 order by wave, respondent_id"
    ).pl()
    n = int(rows["replicates"].list.len().max() or 0)  # type: ignore[arg-type]
    factors = rows["replicates"].explode().to_numpy().reshape(rows.height, n) / rows["weight"].to_numpy()[:, np.newaxis]
    units, unit = np.unique(factors, axis=0, return_inverse=True)
    importance = importance_of(
        replication.method, n, fay_rho=replication.fay_rho, scale=replication.scale, rscales=replication.rscales
    )
    replicates = ReplicateWeights(
        units, importance, around_estimate=replication.centre == "estimate", degrees_freedom=replication.degrees_freedom
    )
    return replicates, rows.select("wave", "respondent_id", unit=pl.Series(unit.ravel(), dtype=pl.Int64))
