"""Whatever lies in place of a delivered file: that delivery is refused in words, nothing hangs, and the others go on."""

import os
import shutil
import socket
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from pipelines.landing.readers.reading import read_delivery
from pipelines.landing.watch import Seen, is_arriving, look
from pipelines.machine.settings import Settings
from pipelines.project.form import Form
from pipelines.raw.take_in import take_in
from pipelines.release.damage import mend
from pipelines.store.acceptance import with_rejection
from pipelines.synthetic.delivery import MADE, deliver
from tests.landing.readers.samples import sample
from tests.raw.landed import FIRST, PLACE, SOURCE, WAVE, Landed

ENDLESS_BYTES = 2**42
"""More than a night could read."""


def a_full_folder(path: Path) -> None:
    """As Spark writes."""
    path.mkdir()
    (path / "part-0.csv").write_text("a\n1\n", encoding="utf-8")


def a_socket(path: Path) -> None:
    """In place by a name relative to its folder: names of sockets are short."""
    before = Path.cwd()
    os.chdir(path.parent)
    try:
        socket.socket(socket.AF_UNIX).bind(path.name)
    finally:
        os.chdir(before)


def a_sparse_file(path: Path) -> None:
    path.touch()
    os.truncate(path, ENDLESS_BYTES)


def a_link_out(path: Path) -> None:
    outside = path.parents[3] / "outside.csv"
    outside.write_text("not ours\n", encoding="utf-8")
    path.symlink_to(outside)


def a_device(path: Path) -> None:
    """Such as only the superuser makes; everybody else links to one."""
    try:
        os.mknod(path, 0o666 | 0o020000, os.makedev(1, 5))
    except PermissionError:
        path.symlink_to("/dev/zero")


NO_FILE = "a pipe, a socket or a device"
PLANTED: dict[str, tuple[Callable[[Path], object], str]] = {
    "a folder": (lambda path: path.mkdir(), "found a folder at"),
    "a full folder": (a_full_folder, "found a folder at"),
    "a dangling link": (lambda path: path.symlink_to("gone.csv"), "found a link that leads nowhere at"),
    "a link to itself": (lambda path: path.symlink_to(path.name), "found a link that leads nowhere at"),
    "a pipe": (os.mkfifo, f"found {NO_FILE} at"),
    "a device": (a_device, f"found {NO_FILE} at"),
    "a link to a device": (lambda path: path.symlink_to("/dev/zero"), f"found {NO_FILE} at"),
    "a socket": (a_socket, f"found {NO_FILE} at"),
    "an endless file": (a_sparse_file, "found a file of more than 8,000,000,000 bytes at"),
    "a link out of landing": (a_link_out, "found a link that leads out of the landing folder at"),
}


def plant(path: Path, kind: str) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
    PLANTED[kind][0](path)


def test_each_is_refused_by_what_it_is_and_the_other_deliveries_go_on(landed: Landed) -> None:
    """One after the other in the same place: no verdict on one is taken for another's."""
    accepted = landed.acceptance.tables
    for kind, (_, said) in PLANTED.items():
        plant(landed.path, kind)
        delivery = landed.take_in()
        assert delivery.postponed == [], kind
        [problem] = delivery.problems
        assert problem.startswith(f"{PLACE.name} {WAVE}: planted.csv cannot be read: {said}"), kind
        assert (landed.acceptance.tables, landed.number) == (accepted, FIRST)
    assert take_in(landed.project, SOURCE, "5000-pairs").problems == []
    landed.path.unlink()
    landed.land("8.34")
    assert landed.take_in().problems == []
    assert (landed.acceptance.rejections, landed.number) == ({}, "8.34")


def test_two_waves_of_such_things_are_no_copies_of_one_another(landed: Landed) -> None:
    for kind in ("an endless file", "a link out of landing", "a folder"):
        for wave in (WAVE, "5000-pairs"):
            plant(landed.path.parents[1] / wave / "participants.csv", kind)
        [problem] = landed.take_in().problems
        assert PLANTED[kind][1] in problem


def test_the_sensor_on_landing_passes_them_and_hashes_none(landed: Landed) -> None:
    quiet = landed.project.study.nightly.quiet_seconds
    for kind in PLANTED:
        plant(landed.path, kind)
        first = look(landed.project, Seen(), 1e9)
        found = look(landed.project, first.seen, 1e9 + quiet)
        assert not any("cannot be looked at" in waits for waits in found.waiting), kind
        landed.take_in()
        assert look(landed.project, first.seen, 1e9 + quiet).arrived in ([], [SOURCE])
        assert is_arriving(landed.project, landed.project.sources[SOURCE], WAVE, 1.0) is False


def test_a_judged_one_is_no_news(landed: Landed) -> None:
    """Nor is it asked for again and again."""
    quiet = landed.project.study.nightly.quiet_seconds
    assert take_in(landed.project, SOURCE, "5000-pairs").problems == []
    for kind in ("an endless file", "a pipe", "a folder"):
        plant(landed.path, kind)
        landed.take_in()
        first = look(landed.project, Seen(), 1e9)
        assert look(landed.project, first.seen, 1e9 + quiet).arrived == [], kind


@pytest.mark.parametrize("kind", ["a pipe", "a folder", "a dangling link", "an endless file"])
def test_a_catalogue_of_labels_that_is_none_keeps_nobody_waiting(tmp_path: Path, kind: str) -> None:
    landing = tmp_path / "landing"
    landing.mkdir()
    path = sample(landing, ".sas7bdat")
    settings = Settings(project=tmp_path / "project", reader_seconds_limit=20)
    expected = read_delivery(path, settings=settings).frame
    plant(path.with_suffix(".sas7bcat"), kind)
    if kind != "an endless file":
        assert read_delivery(path, settings=settings).frame.equals(expected)
    declared = Form(catalogue=path.with_suffix(".sas7bcat").name)
    with pytest.raises(Exception, match="catalogue"):
        read_delivery(path, declared, settings)


def test_a_synthetic_source_is_delivered_over_whatever_lies_in_its_place(landed: Landed) -> None:
    folder = landed.path.parents[1]
    generated = landed.atlas.folder / "data_contracts/sources" / f"{SOURCE}.yaml"
    assert "generator:" not in generated.read_text(encoding="utf-8")
    shutil.copy(Path(__file__).parents[2] / "data_contracts/sources" / generated.name, generated)
    project = landed.atlas.project
    for kind in ("a pipe", "a folder", "a dangling link", "an endless file"):
        for path in (folder / MADE, landed.path):
            plant(path, kind)
            assert deliver(project, project.sources[SOURCE])
            assert landed.path.read_text(encoding="utf-8") == landed.first


def test_a_table_that_left_the_project_takes_its_rejection_along(landed: Landed) -> None:
    """A rejection of what nobody can mend any more would fail every night."""
    store = landed.project.store
    told = with_rejection(landed.acceptance, "report.gone", "estimate", ["it failed"], {"report.gone": "0" * 64})
    kept = with_rejection(told, "core.respondents", "harmonisation", ["it failed, too"], {"core.respondents": "0" * 64})
    store.set_acceptance(SOURCE, WAVE, kept)
    mend(landed.project, SOURCE)
    assert list(landed.acceptance.rejections) == ["core.respondents"]
    assert landed.acceptance.tables == told.tables


def test_a_raw_table_that_left_the_project_does_not_hold_back_its_wave(landed: Landed) -> None:
    plant(landed.path, "a pipe")
    assert landed.take_in().problems
    source = landed.project.sources[SOURCE]
    wave = source.waves[WAVE]
    left = wave.model_copy(update={"tables": {name: file for name, file in wave.tables.items() if name != PLACE.table}})
    without = source.model_copy(update={"waves": source.waves | {WAVE: left}})
    project = replace(landed.project, sources={**landed.project.sources, SOURCE: without})
    assert take_in(project, SOURCE, WAVE).problems == []
    assert project.store.acceptance(SOURCE, WAVE).rejections == {}
