"""Rows that keep what an earlier release showed: where few people came or went, a new number would give them away."""

from collections.abc import Collection, Mapping, Sequence

import polars as pl

from pipelines.project.respondents import FOUR_CELLS
from pipelines.release.disclosure.model import Row, Unit

FORMER = "as in an earlier release: disclosure control"
"""Said of a row that keeps its former numbers."""

MANY = 10
"""Times the threshold: where fewer people came and went, hardly any group of them is large enough to be told, and nothing is."""

COUNTS = ("n_respondents", "n_cases", "n_missing", *FOUR_CELLS)

NAMING = (
    *("wave", "population", "outcome", "age_band", "sex", "exposure", "exposure_level", "reference_level", "model"),
    *("standard_population", "variable"),
)
"""The columns that say which row a row is, of those that its table has."""

Tables = Mapping[str, pl.DataFrame]


def with_former(
    public: Tables, full: Tables, latest: Tables, units: Sequence[Unit], back: Collection[int], minimum: int
) -> tuple[dict[str, pl.DataFrame], dict[str, pl.DataFrame]]:
    """The public tables, with former rows in the place of some of those with a unit in `back`, and other rows with counts alone.

    A row keeps its former numbers where these are more than can be shown now, may still be shown by the threshold, and differ
    from the true ones by fewer than MANY times `minimum` people; otherwise it is hidden as any other. A row of which estimates
    alone were shown keeps them where everything is kept back, because fewer people than that came and went.
    """
    everything, fresh = {}, {}
    is_all_kept = len(set(back)) == len(units)
    kept: dict[str, set[int]] = {}
    for number in back:
        kept.setdefault(units[number].table, set()).add(units[number].row)
    for name, table in public.items():
        former = _by_name(latest.get(name))
        truths, shown = full[name].to_dicts(), table.to_dicts()
        chosen = {
            number: row
            for number in sorted(kept.get(name, ()))
            if (row := former.get(name_of(truths[number])))
            and any(row.get(column) is not None and shown[number].get(column) is None for column in table.columns)
            and _may_stay(row, truths[number], minimum, is_all_kept=is_all_kept)
        }
        rows = [_marked(chosen[number]) if number in chosen else row for number, row in enumerate(shown)]
        everything[name] = pl.DataFrame(
            [{column: row.get(column) for column in table.columns} for row in rows], schema=table.schema
        )
        counts = [pl.col(column).is_not_null() for column in COUNTS if column in table.columns]
        fresh[name] = table.filter(~pl.int_range(pl.len()).is_in(sorted(chosen)), pl.any_horizontal(counts))
    return everything, fresh


def _by_name(table: pl.DataFrame | None) -> dict[tuple[str | None, ...], Row]:
    return {} if table is None else {name_of(row): row for row in table.iter_rows(named=True)}


def are_shown_again(earlier: Tables, public: Tables) -> bool:
    """Whether every count that was shown stands in the public tables, in the same row and as the same number."""
    for name, table in earlier.items():
        now = _by_name(public.get(name))
        for row in table.iter_rows(named=True):
            again = now.get(name_of(row), {})
            if any(row.get(column) is not None and again.get(column) != row[column] for column in COUNTS):
                return False
    return True


def name_of(row: Row) -> tuple[str | None, ...]:
    """What tells a row from the others of its table, whatever its numbers are."""
    return tuple(row.get(name) for name in NAMING)


def _may_stay(former: Row, truth: Row, minimum: int, *, is_all_kept: bool) -> bool:
    shown = [name for name in COUNTS if former.get(name) is not None]
    is_allowed = all(former[name] == 0 or former[name] >= minimum for name in shown)
    return (
        (bool(shown) or is_all_kept)
        and is_allowed
        and all(abs(former[name] - (truth[name] or 0)) < MANY * minimum for name in shown)
    )


def _marked(row: Row) -> Row:
    reason = row["presentation_reason"] or ""
    return row | {"presentation_reason": reason if FORMER in reason else "; ".join(filter(None, (reason, FORMER)))}
