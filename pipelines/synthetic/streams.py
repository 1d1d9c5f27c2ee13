"""Named streams of uniforms: every random quantity has its own, so that one more of them shifts none of the others."""

import hashlib
from collections.abc import Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

SMALLEST_UNIFORM = 2.0**-53
"""Stands in for 0, which numpy can draw and a logarithm cannot take."""


def generator(seed: int, *name: str) -> np.random.Generator:
    """A PCG64 generator of its own for this seed and name (SeedSequence over the seed and a SHA-256 of the name)."""
    words = np.frombuffer(hashlib.sha256("/".join(name).encode()).digest(), dtype="<u4")
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence([seed, *words.tolist()])))


def uniforms(seed: int, count: int, *name: str) -> NDArray[np.float64]:
    """`count` uniforms of the open interval (0, 1)."""
    return np.maximum(generator(seed, *name).random(count), SMALLEST_UNIFORM)


def with_uniforms(frame: pl.DataFrame, streams: Sequence[str], seed: int, *name: str) -> pl.DataFrame:
    """The frame with one column `u_<stream>` a stream."""
    return frame.with_columns(pl.Series(f"u_{stream}", uniforms(seed, frame.height, *name, stream)) for stream in streams)
