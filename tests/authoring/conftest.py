"""Two states of a contract side by side."""

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from pipelines.authoring.compare import changes
from pipelines.authoring.versions import Impact
from tests.authoring.changed_contracts import (
    Edit,
    state,
)
from tests.contracts.sleep_contract import CODEBOOK


@pytest.fixture
def compared(tmp_path: Path) -> Callable[..., list[tuple[Impact, str]]]:
    def compare_states(
        before: Edit, after: Edit, codebooks: tuple[str, str] = (CODEBOOK, CODEBOOK), waves: Sequence[str] = ()
    ) -> list[tuple[Impact, str]]:
        old = state(tmp_path / "before", before, codebooks[0])
        new = state(tmp_path / "after", after, codebooks[1])
        return [(change.impact, change.text) for change in changes(old, new, waves)]

    return compare_states
