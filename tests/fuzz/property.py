"""What must be true of every file, however damaged."""

import random
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from pipelines.landing.readers.delivered import Delivered, DeliveryUnreadable
from pipelines.landing.readers.reading import read_delivery
from pipelines.machine.settings import Settings
from pipelines.project.form import Form
from tests.fuzz.damage import damaged, damaged_inside, texts
from tests.landing.readers.samples import MARKER, PACKERS, packed, sample

SECRETS = (MARKER, MARKER[:8], "setosa", "virgin")
SECONDS = 20
"""A file that its reader does not give up is ended after this."""

READERS = (".csv", ".tsv", ".xlsx", ".parquet", ".xpt", ".sav", ".zsav", ".por", ".dta", ".sas7bdat")
PACKED = tuple(f".csv{packing}" for packing in (*PACKERS, ".zip"))


def files(folder: Path, suffix: str) -> st.SearchStrategy[bytes]:
    """Damaged files of a format."""
    if suffix in (".csv", ".tsv"):
        return texts()
    if suffix in PACKED:
        content = packed(sample(folder, ".csv"), suffix.removeprefix(".csv")).read_bytes()
    else:
        content = sample(folder, suffix, n_records=8).read_bytes()
    return damaged(content) | damaged_inside(content) if suffix in (".xlsx", ".csv.zip") else damaged(content)


def check(path: Path, settings: Settings) -> str:
    """The file is read, or refused in words that tell nothing of its content; nothing is left beside it. Returns which."""
    before = _tree(settings.project)
    began = time.monotonic()
    try:
        received = read_delivery(path, Form(), settings)
        assert isinstance(received, Delivered)
        outcome = "read"
    except DeliveryUnreadable as refusal:
        message = str(refusal)
        assert path.name in message
        assert not [secret for secret in SECRETS if secret in message]
        outcome = "ended their reader" if "ended its reader's process" in message or "not read within" in message else "refused"
    assert time.monotonic() - began < SECONDS + 5
    assert _tree(settings.project) == before
    return outcome


def run(folder: Path, suffix: str, n_examples: int, start: int) -> Counter[str]:
    """How so many damaged files of a format, drawn from a seed, end; raises with the smallest that breaks the property."""
    limits = Settings(project=folder, reader_seconds_limit=SECONDS, reader_memory_limit=10**10)
    (folder / "warehouse" / "spill").mkdir(parents=True, exist_ok=True)
    path = folder / f"damaged{suffix}"
    drawn = files(folder, suffix)
    outcomes: Counter[str] = Counter()

    @seed(start)
    @settings(
        max_examples=n_examples,
        deadline=None,
        database=None,
        phases=[Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
    )
    @given(drawn)
    def holds(content: bytes) -> None:
        path.write_bytes(content)
        outcomes[check(path, limits)] += 1

    path.touch()
    holds()
    return outcomes


def seeds() -> Iterator[int]:
    """Seeds without an end."""
    while True:
        yield random.randrange(2**32)


def _tree(folder: Path) -> set[Path]:
    return set(folder.rglob("*"))
