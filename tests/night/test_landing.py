"""When a delivery counts as arrived. The clock is given, never slept."""

import os
import time
from pathlib import Path

import dagster as dg
import pytest

from pipelines.dagster.graph import definitions
from pipelines.landing.watch import Look, Seen, look
from pipelines.raw.take_in import take_in
from tests.atlas import Atlas
from tests.night.small import PAIRS, PLANTED, SOURCE, generated_no_more

QUIET = 60.0
"""Seconds, as study.yaml says."""


class Watch:
    """Looks at landing at given moments; the cursor goes through JSON, as between two ticks."""

    def __init__(self, atlas: Atlas) -> None:
        self.atlas, self.project, self.seen, self.now = atlas, atlas.project, Seen(), 1_000_000.0

    def after(self, seconds: float) -> Look:
        self.now += seconds
        found = look(self.project, Seen.model_validate_json(self.seen.model_dump_json()), self.now)
        self.seen = found.seen
        return found


@pytest.fixture
def watch(synthetic: Atlas) -> Watch:
    """A source that was taken in, and is generated no more: what lands of it now is a delivery. The last look was a while ago."""
    generated_no_more(synthetic)
    watch = Watch(synthetic)
    watch.after(0)
    assert watch.after(QUIET) == Look(watch.seen, [], [], watch.after(0).key)
    return watch


def landing(watch: Watch) -> Path:
    return watch.atlas.settings.landing_folder / SOURCE


def change(path: Path) -> str:
    """Other content; returns what was there."""
    text = path.read_text(encoding="utf-8")
    path.write_text(text + text.splitlines()[-1] + "\n", encoding="utf-8")
    return text


def test_what_was_taken_in_already_and_what_is_generated_never_arrives(synthetic: Atlas) -> None:
    generated_no_more(synthetic)
    watch = Watch(synthetic)
    (synthetic.settings.landing_folder / "synthetic_survey/2024").mkdir(exist_ok=True)
    for path in (synthetic.settings.landing_folder / "synthetic_survey").rglob("*.csv"):
        change(path)
    watch.after(0)
    found = watch.after(QUIET)
    assert (found.arrived, found.waiting) == ([], [])
    assert {file.partition("/")[0] for file in found.seen.files} == {SOURCE}


def test_a_file_arrives_when_it_has_been_quiet_and_not_while_it_grows_or_stalls(watch: Watch) -> None:
    path = landing(watch) / PAIRS
    text = path.read_text(encoding="utf-8")
    for size in (100, 2_000, 2_001):
        path.write_text(text[:size], encoding="utf-8")
        found = watch.after(10)
        assert not found.is_due
        assert found.waiting == [f"{SOURCE}: its files are watched until none has changed for 60 s"]
    assert not watch.after(59).is_due  # a stall
    path.write_text(text + "\n", encoding="utf-8")
    assert not watch.after(2).is_due
    assert not watch.after(59.9).is_due
    found = watch.after(0.1)
    assert (found.arrived, found.waiting, found.is_due) == ([SOURCE], [], True)


def test_the_same_bytes_again_are_no_news(watch: Watch) -> None:
    path = landing(watch) / PAIRS
    path.write_bytes(path.read_bytes())
    assert not watch.after(1).is_due
    found = watch.after(QUIET)
    assert (found.arrived, found.waiting) == ([], [])


@pytest.mark.parametrize("name", ["participants.csv.part", ".participants.csv.Xa3f", "participants.csv.tmp", "p.filepart"])
def test_an_unfinished_file_is_not_read_and_delays_the_others_while_it_grows(watch: Watch, name: str) -> None:
    change(landing(watch) / PLANTED)
    watch.after(1)
    unfinished = landing(watch) / "136-pairs" / name
    for text in ("a", "ab"):
        unfinished.write_text(text, encoding="utf-8")
        assert not watch.after(40).is_due
    assert watch.after(QUIET).is_due
    unfinished.rename(landing(watch) / PAIRS)
    assert not watch.after(1).is_due
    assert watch.after(QUIET).is_due


def test_an_incomplete_wave_is_waited_for_by_name_and_holds_back_the_rest(watch: Watch) -> None:
    (landing(watch) / PAIRS).unlink()
    change(landing(watch) / PLANTED)
    watch.after(1)
    found = watch.after(QUIET)
    assert (found.arrived, found.is_due) == ([SOURCE], False)
    assert found.waiting == [f"{SOURCE} 136-pairs waits for {PAIRS}"]
    (landing(watch) / PAIRS).write_text("pair\n", encoding="utf-8")
    watch.after(1)
    assert watch.after(QUIET).is_due


def test_a_file_that_is_taken_away_is_no_delivery(watch: Watch) -> None:
    (landing(watch) / PAIRS).unlink()
    watch.after(1)
    found = watch.after(QUIET)
    assert (found.arrived, found.waiting) == ([], [])


def test_once_judged_a_delivery_is_no_news_even_if_it_was_rejected_and_its_repair_is(watch: Watch) -> None:
    path = landing(watch) / PAIRS
    before = change(path)
    watch.after(1)
    bad = watch.after(QUIET)
    assert bad.is_due
    assert take_in(watch.project, SOURCE, "136-pairs").problems
    assert not watch.after(QUIET).is_due
    path.write_text(before, encoding="utf-8")
    watch.after(1)
    repaired = watch.after(QUIET)
    assert repaired.is_due
    assert not take_in(watch.project, SOURCE, "136-pairs").problems
    assert not watch.after(QUIET).is_due
    assert repaired.key != bad.key


def test_a_restarted_daemon_asks_by_the_same_key(watch: Watch) -> None:
    change(landing(watch) / PAIRS)
    watch.after(1)
    first = watch.after(QUIET)
    again = Watch(watch.atlas)  # with an empty cursor
    again.after(0)
    assert again.after(QUIET).key == first.key
    assert first.is_due


def test_a_file_is_hashed_only_when_its_size_or_time_changed(watch: Watch, monkeypatch: pytest.MonkeyPatch) -> None:
    hashed: list[str] = []

    def digest(path: Path, *_: object) -> str:
        hashed.append(path.name)
        return "hash"

    monkeypatch.setattr("pipelines.landing.watch.digest_of", digest)
    watch.after(QUIET)
    assert hashed == []
    change(landing(watch) / PAIRS)
    watch.after(1)
    assert hashed == []
    watch.after(QUIET)
    watch.after(QUIET)
    assert hashed == ["participants.csv"]


@pytest.mark.parametrize(
    ("tag", "age", "is_taken"), [("dagster/schedule_name", 30, False), ("dagster/schedule_name", 90, True), ("by hand", 30, True)]
)
def test_a_run_that_nobody_started_leaves_alone_what_is_still_arriving(watch: Watch, tag: str, age: int, is_taken: bool) -> None:
    """As when the night comes while somebody copies."""
    path = landing(watch) / PAIRS
    change(path)
    for file in path.parent.iterdir():
        os.utime(file, (time.time() - age,) * 2)
    project = watch.project
    job = definitions(project).resolve_job_def("nightly")
    selection = [dg.AssetKey(["raw", "synthetic_case_control_participants"])]
    with dg.DagsterInstance.ephemeral() as instance:
        assert job.execute_in_process(instance=instance, asset_selection=selection, tags={tag: "nightly"}).success
    assert bool(project.store.acceptance(SOURCE, "136-pairs").rejections) is is_taken
    assert not project.store.acceptance(SOURCE, "5000-pairs").rejections


def test_dagster_watches_landing_and_sends_alerts_from_the_first_start_on(published_synthetic: Atlas) -> None:
    repository = definitions(published_synthetic.project).get_repository_def()
    found = {name: repository.get_sensor_def(name) for name in ("landing", "alerts")}
    assert {sensor.default_status.name for sensor in found.values()} == {"RUNNING"}
    assert found["landing"].minimum_interval_seconds == 30
