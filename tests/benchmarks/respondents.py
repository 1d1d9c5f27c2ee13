"""Generated respondents of a complex survey as Parquet: 15 strata of 2 PSUs, small integer codes, one continuous number."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.random import PCG64, Generator

from pipelines.statistics.design import FloatArray

STRATA, PSUS = 15, 2
_CHUNK = 250_000


def write_respondents(path: Path, n_respondents: int, seed: int = 2026) -> None:
    """One row per respondent; the same seed writes the same values."""
    rng = Generator(PCG64(seed))
    shift = rng.normal(0, 0.3, size=(STRATA + 1, PSUS + 1))
    writer: pq.ParquetWriter | None = None
    for start in range(0, n_respondents, _CHUNK):
        table = _respondents(rng, shift, min(_CHUNK, n_respondents - start))
        writer = writer or pq.ParquetWriter(path, table.schema, compression="zstd")
        writer.write_table(table)
    if writer is not None:
        writer.close()


def _respondents(rng: Generator, shift: FloatArray, n: int) -> pa.Table:
    stratum, psu = rng.integers(1, STRATA + 1, n), rng.integers(1, PSUS + 1, n)
    age = np.minimum((86 * rng.random(n) ** 1.15).astype(np.int64), 85)
    sex, race = rng.integers(0, 2, n), rng.choice(4, n, p=[0.45, 0.25, 0.2, 0.1]) + 1
    bmi = np.round(27 + 4 * rng.standard_normal(n), 2)
    takes_drug = rng.random(n) < _share(-3.6 + 0.035 * age)
    is_case = rng.random(n) < _share(
        -4.2 + 0.038 * age + 0.45 * takes_drug + 0.25 * sex + 0.02 * (bmi - 27) + shift[stratum, psu]
    )
    return pa.table(
        {
            "stratum": stratum.astype(np.uint8),
            "psu": psu.astype(np.uint8),
            "weight": np.exp(rng.normal(9.6, 0.7, n)),
            "age_years": age.astype(np.uint8),
            "age_band": np.minimum(age // 10, 7).astype(np.uint8),
            "sex": sex.astype(np.uint8),
            "race": race.astype(np.uint8),
            "bmi": bmi,
            "takes_drug": takes_drug.astype(np.uint8),
            "y": pa.array(is_case.astype(np.uint8), mask=rng.random(n) < 0.02),
        }
    )


def _share(log_odds: FloatArray) -> FloatArray:
    share: FloatArray = 1 / (1 + np.exp(-log_odds))
    return share
