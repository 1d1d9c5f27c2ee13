"""What differs between two objects of a raw table, in findings that a person can read. Nothing in here decides on a delivery.

A distance counts as beyond its threshold where it is more than study.yaml allows and more than chance gives at these numbers
of rows. Rows are not weighted: drift is about what was delivered, not about the population.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from pathlib import Path
from typing import Literal

import duckdb
import pyarrow.parquet as pq

from pipelines.contracts.unlisted import CODE, MAX_NAMED
from pipelines.project.study import DriftThresholds
from pipelines.raw.drift.counting import Pair, Samples, Spread, Variable, spreads

Kind = Literal[
    "column_added",
    "column_removed",
    "column_renamed",
    "column_retyped",
    "codes_appeared",
    "codes_vanished",
    "distribution",
    "missing_share",
    "row_count",
    "respondents_repeated",
    "not_applicable",
]

MIN_ROWS = 100
"""With fewer rows on a side, chance alone may move a distribution by more than a quarter."""

FEW_LEVELS = 20
"""Numbers of no more different values are compared value by value, others by order; texts of more are not compared."""

CHANCE = 0.001
"""How often a difference by chance alone may pass for drift, for one column."""

ALIKE = 0.7
"""Names that share this much of their letters, as DMDBORN and DMDBORN2 do, may be one column renamed."""

MAX_RENAMED_SHIFT = 0.2
"""A column that was only renamed keeps its content, but for a code that was split or an answer that was added. The distance is
taken against the share that is answered: two columns that hardly anybody was asked are not alike for that."""


@dataclass(frozen=True)
class Side:
    """One of the two objects: its Parquet, its rows, and its columns and types as delivered (empty where not remembered)."""

    path: Path
    rows: int
    delivered: Mapping[str, str]


@dataclass(frozen=True)
class Finding:
    """One comparison. `statistic` is in [0, 1]; `is_beyond` is None where nothing could be compared, and `detail` says why."""

    column: str | None
    kind: Kind
    statistic: float | None
    threshold: float | None
    is_beyond: bool | None
    n_before: int | None
    n_after: int | None
    detail: str


def compare(
    connection: duckdb.DuckDBPyConnection,
    before: Side,
    after: Side,
    variables: Sequence[Variable],
    thresholds: DriftThresholds,
    samples: Samples | None = None,
) -> list[Finding]:
    """All findings, those within their thresholds too: the table first, then columns in the order of the contract."""
    samples = samples or Samples()
    findings = [row_count(before.rows, after.rows, thresholds.row_count)]
    small = min(before.rows, after.rows) < MIN_ROWS
    not_compared = []
    if small:
        fewer = f"fewer than {MIN_ROWS} rows ({before.rows:,} before, {after.rows:,} now)"
        not_compared.append(f"distributions are not compared: {fewer}")
    stored_before, stored_after = (set(pq.read_schema(side.path).names) for side in (before, after))
    stored = [variable for variable in variables if variable.name in stored_after]
    kept = [
        variable
        for variable in stored
        if variable.name in (before.delivered or stored_before) and variable.name in (after.delivered or stored_after)
    ]
    pairs = [] if small else [Pair(variable.name, variable) for variable in kept if variable.left_out is None]
    if before.delivered and after.delivered:
        removed = [name for name in before.delivered if name not in after.delivered]
        added = [name for name in after.delivered if name not in before.delivered]
        alike = {} if small else _alike([name for name in removed if name in stored_before], added, before, after)
        renames = [Pair(alike[variable.name], variable) for variable in stored if variable.name in alike]
    else:
        not_compared.append("columns are not compared: what was delivered before was not remembered")
        removed, added, renames = [], [], []
    if not_compared:
        findings.append(not_applicable(None, "; ".join(not_compared)))
    rows_before, rows_after = (samples.bound(connection, side.path, side.rows) for side in (before, after))
    rows, found = spreads(connection, rows_before, rows_after, [*pairs, *renames])
    judged = list(zip([*pairs, *renames], found, strict=True))
    renamed = {pair.after.name: pair.before for pair, spread in judged[len(pairs) :] if _has_like_content(pair, spread, rows)}
    findings += _columns(before, after, removed, added, renamed)
    for variable in kept:
        if variable.left_out:
            findings.append(not_applicable(variable.name, f"not compared: {variable.left_out}"))
    for pair, spread in judged[: len(pairs)]:
        findings += _values(pair.after, spread, rows, thresholds)
    order = {name: position for position, name in enumerate([None, *(variable.name for variable in variables)])}
    return sorted(findings, key=lambda finding: order.get(finding.column, len(order)))


def row_count(before: int, after: int, threshold: float) -> Finding:
    """By which share of the larger number the two differ: 0.5 for half as many and for twice as many."""
    statistic = abs(after - before) / max(after, before, 1)
    detail = f"{after:,} rows where {before:,} were" + (f": {after / before:.2f} times as many" if before else "")
    return Finding(None, "row_count", statistic, threshold, statistic > threshold, before, after, detail)


def not_applicable(column: str | None, reason: str) -> Finding:
    return Finding(column, "not_applicable", None, None, None, None, None, reason)


def chance_shift(rows: tuple[int, int]) -> float:
    """What a Kolmogorov-Smirnov distance, or a difference of two shares, exceeds by chance in one of a thousand columns.

    The two-sample form of the Dvoretzky-Kiefer-Wolfowitz bound.
    """
    return math.sqrt(math.log(2 / CHANCE) * _inverse_rows(rows) / 2)


def chance_variation(rows: tuple[int, int], n_levels: int) -> float:
    """The same for a total variation distance: a bound of its mean, which grows with the levels, and McDiarmid's for the rest."""
    inverse = _inverse_rows(rows)
    return math.sqrt(n_levels * inverse) / 2 + math.sqrt(math.log(1 / CHANCE) * inverse / 2)


def chance_absence(rows: int) -> float:
    """A code of a larger share is absent from so many rows by chance less than once in a thousand times."""
    return -math.log(CHANCE) / rows


def _inverse_rows(rows: tuple[int, int]) -> float:
    return 1 / rows[0] + 1 / rows[1]


def _alike(removed: Sequence[str], added: Sequence[str], before: Side, after: Side) -> dict[str, str]:
    """Added column -> the removed one of the same delivered type whose name is most alike; each is taken once."""
    scored = sorted(
        ((SequenceMatcher(None, old.lower(), new.lower()).ratio(), old, new) for old in removed for new in added),
        key=lambda scored: (-scored[0], *scored[1:]),
    )
    pairs: dict[str, str] = {}
    for ratio, old, new in scored:
        if ratio >= ALIKE and before.delivered[old] == after.delivered[new] and new not in pairs and old not in pairs.values():
            pairs[new] = old
    return pairs


def _columns(
    before: Side, after: Side, removed: Sequence[str], added: Sequence[str], renamed: Mapping[str, str]
) -> Iterator[Finding]:
    def changed(column: str, kind: Kind, detail: str) -> Finding:
        return Finding(column, kind, None, None, True, None, None, detail)

    for new, old in renamed.items():
        yield changed(new, "column_renamed", f"looks renamed from {old}: names and content are alike")
    for name in removed:
        if name not in renamed.values():
            yield changed(name, "column_removed", "delivered before, not now")
    for name in added:
        if name not in renamed:
            yield changed(name, "column_added", "delivered now, not before")
    for name in before.delivered:
        was, now = before.delivered[name], after.delivered.get(name)
        if now and was != now:
            yield changed(name, "column_retyped", f"delivered as {now} where it was {was}")


def _is_by_level(variable: Variable, spread: Spread) -> bool:
    return variable.is_coded or variable.type in {"BOOLEAN", "VARCHAR"} or spread.n_levels <= FEW_LEVELS


def _distance(variable: Variable, spread: Spread) -> float:
    return spread.total_variation if _is_by_level(variable, spread) else spread.kolmogorov_smirnov


def _has_like_content(pair: Pair, spread: Spread, rows: tuple[int, int]) -> bool:
    answered = min(1 - null / n for null, n in zip(spread.nulls, rows, strict=True))
    return answered > 0 and _distance(pair.after, spread) / answered <= MAX_RENAMED_SHIFT


def _values(variable: Variable, spread: Spread, rows: tuple[int, int], thresholds: DriftThresholds) -> Iterator[Finding]:
    if variable.type == "VARCHAR" and not variable.is_coded and spread.n_levels > FEW_LEVELS:
        yield not_applicable(variable.name, f"distribution not compared: text of more than {FEW_LEVELS} different values")
    else:
        yield _distribution(variable, spread, rows, thresholds.shift)
    yield _missing_share(variable, spread, rows, thresholds.missing_share)
    named = {code: n for code, n in spread.codes.items() if variable.is_coded or code in variable.codes}
    appeared = {code: n for code, (was, n) in named.items() if not was and n}
    vanished = {code: was for code, (was, n) in named.items() if was and not n}
    if appeared:
        yield _codes(variable, "codes_appeared", appeared, rows[1], rows[0], thresholds.code_share)
    if vanished:
        yield _codes(variable, "codes_vanished", vanished, rows[0], rows[1], thresholds.code_share)


def _distribution(variable: Variable, spread: Spread, rows: tuple[int, int], threshold: float) -> Finding:
    statistic = _distance(variable, spread)
    if _is_by_level(variable, spread):
        threshold = max(threshold, chance_variation(rows, spread.n_levels + 1))
        detail = f"total variation distance over {spread.n_levels:,} values and missing{_largest(variable, spread, rows)}"
    else:
        threshold = max(threshold, chance_shift(rows))
        detail = "Kolmogorov-Smirnov distance, missing as the last value"
    return Finding(variable.name, "distribution", statistic, threshold, statistic > threshold, *rows, detail)


def _largest(variable: Variable, spread: Spread, rows: tuple[int, int]) -> str:
    """The code whose share moved most, where it may be named."""
    shares = {code: (before / rows[0], after / rows[1]) for code, (before, after) in spread.codes.items()}
    nameable = {code: pair for code, pair in shares.items() if _is_nameable(variable, code) and pair[0] != pair[1]}
    if not nameable:
        return ""
    code, (before, after) = max(nameable.items(), key=lambda item: abs(item[1][1] - item[1][0]))
    return f"; most of it code {code}: {before:.1%} before, {after:.1%} now"


def _missing_share(variable: Variable, spread: Spread, rows: tuple[int, int], threshold: float) -> Finding:
    """Missing is NULL, and every code that the codebook gives a kind of missing."""
    coded = [n for code, n in spread.codes.items() if code in variable.missing_codes]
    before, after = (spread.nulls[side] + sum(n[side] for n in coded) for side in (0, 1))
    shares = before / rows[0], after / rows[1]
    statistic = abs(shares[1] - shares[0])
    threshold = max(threshold, chance_shift(rows))
    detail = f"missing in {shares[0]:.1%} before, in {shares[1]:.1%} now"
    return Finding(variable.name, "missing_share", statistic, threshold, statistic > threshold, before, after, detail)


def _codes(variable: Variable, kind: Kind, codes: Mapping[str, int], rows: int, other_rows: int, threshold: float) -> Finding:
    """Codes that occur on one side only; the statistic is the share of its rows that have one of them."""
    n = sum(codes.values())
    statistic = n / rows
    threshold = max(threshold, chance_absence(other_rows))
    nameable = sorted((code for code in codes if _is_nameable(variable, code)), key=lambda code: (-codes[code], code))
    named = nameable[:MAX_NAMED]
    others = len(codes) - len(named)
    names = ", ".join(named) + (f"{' and ' if named else ''}{others:,} more (not shown)" if others else "")
    before, after = (0, n) if kind == "codes_appeared" else (n, 0)
    detail = f"{names}: in {statistic:.1%} of the rows {'now, in none before' if after else 'before, in none now'}"
    return Finding(variable.name, kind, statistic, threshold, statistic > threshold, before, after, detail)


def _is_nameable(variable: Variable, code: str) -> bool:
    """A listed code, or in a column of codes a whole number of up to four digits: another value would be somebody's."""
    return code in variable.codes or (variable.is_coded and bool(CODE.fullmatch(code)))
