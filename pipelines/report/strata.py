"""The strata of pooled waves, which are strata of their own in each wave but for those of a panel."""

from collections.abc import Sequence

import polars as pl

from pipelines.machine.quoting import literal

STRATA_PER_WAVE = 2**32
"""More than there are INTEGER stratum numbers: keeps the strata of pooled waves apart."""


def pooled_stratum(stratum: str, waves: Sequence[str], *, is_text: bool) -> str:
    """SQL of the stratum in a pool of these waves, from SQL of the stratum in a wave."""

    def of_wave(index: int) -> str:
        return f"{literal(_prefix(index))} || {stratum}" if is_text else f"{stratum} + {index * STRATA_PER_WAVE}"

    apart = " ".join(f"when {literal(wave)} then {of_wave(index)}" for index, wave in enumerate(waves))
    return f"case wave {apart} end"


def stratum_of_wave(stratum: pl.Expr, index: int, *, is_text: bool) -> pl.Expr:
    """The strata of one of the waves as `pooled_stratum` has them; `index`: its place among them."""
    return pl.lit(_prefix(index)) + stratum if is_text else stratum.cast(pl.Int64) + index * STRATA_PER_WAVE


def _prefix(index: int) -> str:
    return f"{index:04} "
