"""A short run for each reader; `make fuzz` runs long."""

from pathlib import Path

import pytest

from tests.fuzz.property import PACKED, READERS, run

EXAMPLES = 60


@pytest.mark.parametrize("suffix", [*READERS, *PACKED])
def test_a_damaged_file_is_read_or_refused_and_never_quoted(tmp_path: Path, suffix: str) -> None:
    outcomes = run(tmp_path, suffix, EXAMPLES, start=86753)
    assert sum(outcomes.values()) >= EXAMPLES
    assert outcomes["refused"] > 0
