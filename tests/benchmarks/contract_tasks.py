"""The twenty-five rules of the answers, judged by Great Expectations and by hand-written SQL.

`python -m tests.benchmarks.contract_tasks contract|by-hand PARQUET FOLDER` prints the peak memory of one of them in MB.
"""

import sys
from collections.abc import Callable
from pathlib import Path

import duckdb

from pipelines.contracts.expectations import judge
from tests.benchmarks.answers import WAVE, answers_contract
from tests.benchmarks.memory import peak_megabytes

Counts = dict[str, int]
"""Rule -> how many rows or values break it; 1 for a rule about the table as a whole that fails."""

BY_HAND = """
select
  count(*) filter (where person is null) as "person.required",
  count(*) filter (where visit is null) as "visit.required",
  count(*) filter (where barcode is null) as "barcode.required",
  count(*) filter (where age is null) as "age.required",
  count(*) filter (where age < 16 or age > 110) as "age.range",
  count(*) filter (where sex is null) as "sex.required",
  count(*) filter (where sex not in ('male', 'female')) as "sex.codebook",
  count(*) filter (where cramps not in (0, 1, 2, 3, 7, 9)) as "cramps.codebook",
  count(*) filter (where (hours < 1 or hours > 24) and hours not in (77, 99)) as "hours.codebook",
  count(*) filter (where weight is null) as "weight.required",
  count(*) filter (where weight <= 0) as "weight.range",
  count(*) filter (where stratum is null) as "stratum.required",
  count(*) filter (where stratum < 1 or stratum > 15) as "stratum.range",
  count(*) filter (where psu not in (1, 2)) as "psu.enum",
  count(*) filter (where body_mass_index < 1 or body_mass_index > 90) as "body_mass_index.range",
  count(*) filter (where body_mass_index is null) as "body_mass_index.nullValues",
  count(*) filter (where region not in ('north', 'east', 'south', 'west')) as "region.enum",
  count(*) filter (where not regexp_matches(postcode, '^[A-Z][0-9]{4}$')) as "postcode.pattern",
  count(*) filter (where length(postcode) < 1 or length(postcode) > 8) as "postcode.length",
  count(*) filter (where is_active is null) as "is_active.required",
  (count(*) = 0)::int as "table.rowCount",
  count(*) filter (where is_active <> (days_active > 0)) as "table.sql",
  (avg(weight) not between 1000 and 100000)::int as "table.column_mean_to_be_between"
from read_parquet(?)
"""
KEYS_BY_HAND = {
    "table.primaryKey": """
        select coalesce(sum(n), 0)
        from (select count(*) as n from read_parquet(?) group by person, visit having count(*) > 1)
    """,
    "barcode.unique": """
        select coalesce(sum(n), 0)
        from (select count(*) as n from read_parquet(?) where barcode is not null group by barcode having count(*) > 1)
    """,
}


def by_hand(path: Path, folder: Path) -> Counts:
    """One pass for the rules about rows, one query for each key."""
    with duckdb.connect(":memory:", config={"temp_directory": str(folder / "spill")}) as connection:
        rows = connection.execute(BY_HAND, [str(path)])
        names = [str(column[0]) for column in rows.description or []]
        counts = dict(zip(names, map(int, rows.fetchall()[0]), strict=True))
        keys = {rule: int(connection.execute(query, [str(path)]).fetchall()[0][0]) for rule, query in KEYS_BY_HAND.items()}
    return counts | keys


def by_contract(path: Path, folder: Path) -> Counts:
    """As every delivery is judged."""
    results = judge(path, answers_contract(folder), WAVE)
    return {
        result.rule_id: result.n_failed if result.n_checked else int(result.status == "failed")
        for result in results
        if result.status in {"passed", "failed"}
    }


WAYS: dict[str, Callable[[Path, Path], Counts]] = {"contract": by_contract, "by-hand": by_hand}

if __name__ == "__main__":
    WAYS[sys.argv[1]](Path(sys.argv[2]), Path(sys.argv[3]))
    print(peak_megabytes())  # noqa: T201
