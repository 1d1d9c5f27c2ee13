"""Five nights; `make soak` has a thousand."""

from tests.atlas import Atlas
from tests.soak.unattended import spend_nights


def test_a_failure_and_a_recovery_are_told_once_each_and_the_storage_stays_small(nightly: Atlas) -> None:
    seen = spend_nights(nightly, 5, bad=(2,), kept_runs=2)
    assert seen.problems == []
    assert [len(titles) for titles in seen.messages.values()] == [0, 1, 0, 1, 0]
