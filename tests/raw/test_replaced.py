"""A file that is replaced while it is taken in is still arriving: nothing of one file is stored under the hash of another."""

import hashlib
import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from pipelines.landing.readers.desk import DESK
from pipelines.landing.readers.reading import read_delivery
from pipelines.raw import take_in as taking_in
from pipelines.raw.candidate import candidate
from tests.raw.landed import FIRST, PLACE, Landed

Change = Callable[[Landed], None]


def in_its_place(make: Callable[[Path], None]) -> Change:
    def change(landed: Landed) -> None:
        landed.path.unlink()
        make(landed.path)

    return change


CHANGES: dict[str, Change] = {
    "renamed over": lambda landed: landed.land("7.34"),
    "rewritten in the same size and time": lambda landed: landed.rewrite("7.34"),
    "appended to": lambda landed: landed.append(),
    "cut": lambda landed: os.truncate(landed.path, 90),
    "emptied": lambda landed: os.truncate(landed.path, 0),
    "taken away": lambda landed: landed.path.unlink(),
    "a folder by now": in_its_place(Path.mkdir),
    "a pipe by now": in_its_place(os.mkfifo),
    "a link to nowhere by now": in_its_place(lambda path: path.symlink_to("gone.csv")),
}


def before_it_is_read(landed: Landed, change: Change, patch: pytest.MonkeyPatch) -> None:
    """The change comes after the file was hashed, and before anybody opens it to read."""

    def replaced(*arguments: object, **options: object) -> object:
        change(landed)
        return read_delivery(*arguments, **options)  # type: ignore[arg-type]

    patch.setattr("pipelines.raw.candidate.read_delivery", replaced)


def as_it_is_opened(landed: Landed, change: Change, patch: pytest.MonkeyPatch) -> None:
    """The change comes after the last look at the file, when the worker has been asked."""
    ask = DESK.ask

    def replaced(*arguments: object, **options: object) -> object:
        change(landed)
        return ask(*arguments, **options)  # type: ignore[arg-type]

    patch.setattr(DESK, "ask", replaced)


def after_it_was_read(landed: Landed, change: Change, patch: pytest.MonkeyPatch) -> None:
    """The change comes before the delivery is accepted."""
    judged = candidate

    def replaced(*arguments: object) -> object:
        sidecar = judged(*arguments)  # type: ignore[arg-type]
        change(landed)
        return sidecar

    patch.setattr(taking_in, "candidate", replaced)


def each_holds_its_own(landed: Landed) -> None:
    """Every sidecar of the store that names a file of one number holds that number."""
    numbers = {hashlib.sha256(landed.text(number).encode()).hexdigest(): number for number in (FIRST, "8.34", "7.34")}
    for path in landed.project.store.folder(PLACE).glob("*.json"):
        sidecar = landed.project.store.sidecar(PLACE, path.stem)
        assert sidecar, path
        delivered = sidecar.ingredients["delivery"]
        if delivered in numbers:
            assert sidecar.verdict == "accepted", json.dumps(sidecar.problems)
            assert landed.number_of(sidecar) == numbers[delivered]


CASES = [
    *((how, before_it_is_read) for how in CHANGES),
    ("renamed over", as_it_is_opened),
    ("a pipe by now", as_it_is_opened),
    ("taken away", as_it_is_opened),
    ("rewritten in the same size and time", as_it_is_opened),
    ("rewritten in the same size and time", after_it_was_read),
]


@pytest.mark.parametrize(("how", "moment"), CASES)
def test_a_file_that_changes_while_it_is_taken_in_is_still_arriving(
    landed: Landed, how: str, moment: Callable[..., None]
) -> None:
    landed.land("8.34")
    with pytest.MonkeyPatch.context() as patch:
        moment(landed, CHANGES[how], patch)
        delivery = landed.take_in()
    [reason] = delivery.postponed
    assert reason.startswith(f"{PLACE.name} {PLACE.wave}: planted.csv was not read: found other bytes than a moment before")
    assert "It is still arriving" in reason
    assert (delivery.problems, delivery.is_absent) == ([], False)
    assert (landed.acceptance.rejections, landed.acceptance.postponed) == ({}, [reason])
    assert landed.number == FIRST
    each_holds_its_own(landed)
    if landed.path.is_dir():
        landed.path.rmdir()
    for number in ("7.34", "8.34") if "renamed" in how or "rewritten" in how else ("8.34",):
        landed.land(number)
        assert landed.take_in().problems == landed.acceptance.postponed == []
        assert landed.number == number
    each_holds_its_own(landed)


def test_a_file_that_is_back_by_the_end_was_not_read_from_the_other(landed: Landed) -> None:
    """A and B of the same name, size and time, and a link that led to the other only while it was read."""
    one, other = (landed.path.with_name(f"{number}.csv") for number in ("8.34", "7.34"))
    for path in (one, other):
        path.write_text(landed.text(path.stem), encoding="utf-8")
        os.utime(path, ns=(10**18, 10**18))

    def linked_to(path: Path) -> None:
        beside = landed.path.with_name("link.part")
        beside.symlink_to(path)
        beside.replace(landed.path)

    linked_to(one)
    with pytest.MonkeyPatch.context() as patch:

        def replaced(*arguments: object, **options: object) -> object:
            linked_to(other)
            try:
                return read_delivery(*arguments, **options)  # type: ignore[arg-type]
            finally:
                linked_to(one)

        patch.setattr("pipelines.raw.candidate.read_delivery", replaced)
        [reason] = landed.take_in().postponed
    assert "still arriving" in reason
    assert landed.number == FIRST
    assert not landed.take_in().postponed
    assert landed.number == "8.34"
    each_holds_its_own(landed)


def test_the_first_file_of_a_delivery_may_not_change_while_the_second_is_read(landed: Landed) -> None:
    """Otherwise half of one delivery would be accepted with half of another."""
    participants = landed.path.with_name("participants.csv")
    landed.land("8.34")
    with pytest.MonkeyPatch.context() as patch:
        after_it_was_read(landed, lambda _: participants.touch(), patch)
        [reason] = landed.take_in().postponed
    assert reason.startswith(f"raw.{participants.parent.parent.name}_participants {PLACE.wave}: participants.csv was not read")
    assert landed.number == FIRST
    assert not landed.take_in().postponed
    assert landed.number == "8.34"


def test_what_was_postponed_is_no_news_when_nothing_is_there_any_more(landed: Landed) -> None:
    landed.land("8.34")
    with pytest.MonkeyPatch.context() as patch:
        before_it_is_read(landed, CHANGES["renamed over"], patch)
        assert landed.take_in().postponed
    for path in landed.path.parent.iterdir():
        path.unlink()
    assert landed.take_in().is_absent
    assert landed.acceptance.postponed == []
    assert landed.number == FIRST
