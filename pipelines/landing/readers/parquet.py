"""Parquet files, which bring their types with them."""

from pathlib import Path

import polars as pl

from pipelines.landing.readers.delivered import Delivered, Refused


def read_parquet(path: Path) -> Delivered:
    try:
        return Delivered(pl.read_parquet(path, glob=False))
    except (pl.exceptions.PolarsError, ValueError, OSError) as error:  # the text may hold content
        raise Refused(f"a cut or damaged Parquet file ({type(error).__name__})", "Fetch or write it again") from None
