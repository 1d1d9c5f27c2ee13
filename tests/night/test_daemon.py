"""The real daemon, unattended: the schedule, a delivery that is copied slowly, one refresh at a time, and one alert.

One daemon serves all tests of this module; while it waits for the clock, the delivery arrives.
"""

import json
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from pipelines.machine.lock import warehouse_lock
from tests.atlas import Atlas
from tests.browser.served import ServedUi
from tests.night.sinks import PASSWORD, Sink, web_hook
from tests.night.small import PAIRS, SOURCE, generated_no_more

QUIET_SECONDS = 6
STALL_SECONDS = 5.5
"""Longer than from one tick of a sensor to the next, shorter than the quiet that makes a delivery whole."""

PATIENCE_SECONDS = 200

SCHEDULED, LANDED = ("dagster/schedule_name", "nightly"), ("dagster/sensor_name", "landing")

AWAITED = dg.DagsterRunStatus.NOT_STARTED
"""A run that was asked for and is on its way into the queue."""


@dataclass
class Nights:
    """What happened. `queued` are the states, while a night was at work, of the run that the delivery asked for."""

    atlas: Atlas
    ui: ServedUi
    instance: dg.DagsterInstance
    hook: Sink
    queued: list[dg.DagsterRunStatus]
    early: int

    def runs(self, tag: tuple[str, str]) -> list[dg.RunRecord]:
        """Those with a tag, oldest first."""
        return list(self.instance.get_run_records(dg.RunsFilter(tags=dict([tag])), ascending=True))

    def ask(self, query: str) -> Any:
        """The UI's own answer."""
        body = json.dumps({"query": query}).encode()
        request = urllib.request.Request(f"{self.ui.url}/graphql", body, {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=PATIENCE_SECONDS) as answer:
            return json.load(answer)["data"]

    def freshness(self) -> dict[str, str]:
        """As the UI shows it, by asset; UNKNOWN until the daemon has looked."""
        answer = self.ask("{ assetNodes { assetKey { path } freshnessStatusInfo { freshnessStatus } } }")
        nodes = [node for node in answer["assetNodes"] if node["freshnessStatusInfo"]]
        return {".".join(node["assetKey"]["path"]): node["freshnessStatusInfo"]["freshnessStatus"] for node in nodes}


def wait_for(what: Callable[[], bool], name: str, ui: ServedUi) -> None:
    until = time.monotonic() + PATIENCE_SECONDS
    while not what():
        assert time.monotonic() < until, f"{name} did not come:\n{ui.log[-5000:]}"
        time.sleep(1)


@pytest.fixture(scope="module")
def nights(published_synthetic: Atlas, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nights]:
    """Two nights of the schedule, one minute apart, and between them a delivery that lacks a record."""
    atlas = published_synthetic.copy(tmp_path_factory.mktemp("nights") / "project")
    generated_no_more(atlas)
    atlas.edit("study.yaml", 'cron: "0 4 * * *"', 'cron: "* * * * *"')
    atlas.edit("study.yaml", "quiet_seconds: 60", f"quiet_seconds: {QUIET_SECONDS}")
    path = atlas.settings.landing_folder / SOURCE / PAIRS
    cut = path.read_text(encoding="utf-8").rsplit("\n", 2)[0] + "\n"
    with web_hook() as hook, pytest.MonkeyPatch.context() as patch:
        patch.setenv("CRAMP_ATLAS_ALERT_URLS", hook.url)
        ui = ServedUi(atlas)
        try:
            ui.wait_until_up()
            with dg.DagsterInstance.from_config(str(atlas.folder / ".dagster")) as instance:
                nights = Nights(atlas, ui, instance, hook, [], 0)
                spend(nights, path, cut)
                yield nights
        finally:
            ui.kill()


def spend(nights: Nights, path: Path, cut: str) -> None:
    """One night is kept at work by holding the warehouse until the delivery is there."""
    with warehouse_lock(nights.atlas.warehouse):
        wait_for(lambda: "STARTED" in [run.dagster_run.status.name for run in nights.runs(SCHEDULED)], "a night", nights.ui)
        path.write_text(cut[:4000], encoding="utf-8")
        time.sleep(STALL_SECONDS)
        with path.open("a", encoding="utf-8") as file:
            file.write(cut[4000:])
        nights.early = len(nights.runs(LANDED))
        wait_for(
            lambda: any(run.dagster_run.status != AWAITED for run in nights.runs(LANDED)),
            "the refresh of the delivery",
            nights.ui,
        )
        time.sleep(3)
        nights.queued = [run.dagster_run.status for run in nights.runs(LANDED)]
    wait_for(lambda: sum(run.end_time is not None for run in nights.runs(SCHEDULED)) > 1, "a second night", nights.ui)
    wait_for(lambda: nights.runs(LANDED)[0].end_time is not None, "the end of the refresh", nights.ui)
    wait_for(lambda: bool(nights.hook.messages), "an alert", nights.ui)


def test_the_schedule_ran_the_night_twice_unattended(nights: Nights) -> None:
    runs = [run.dagster_run for run in nights.runs(SCHEDULED) if run.end_time]
    assert len(runs) >= 2
    assert {run.job_name for run in runs} == {"nightly"}
    assert not any(run.asset_selection for run in runs)


def test_a_delivery_that_was_copied_slowly_asked_for_one_refresh_when_it_was_whole(nights: Nights) -> None:
    assert nights.early == 0
    [run] = nights.runs(LANDED)
    assert run.dagster_run.tags["cramp-atlas/landed"] == SOURCE
    rejected = nights.atlas.project.store.acceptance(SOURCE, "136-pairs").rejections["raw"]
    assert [problem.partition(": ")[2].split(" where")[0] for problem in rejected.problems] == [f"{PAIRS} has 271 rows"]


def test_it_waited_in_the_queue_while_a_night_was_at_work(nights: Nights) -> None:
    assert nights.queued == [dg.DagsterRunStatus.QUEUED]
    runs = [*nights.runs(SCHEDULED), *nights.runs(LANDED)]
    times = sorted((run.start_time, run.end_time) for run in runs if run.start_time and run.end_time)
    assert len(times) >= 3
    assert all(later[0] >= earlier[1] for earlier, later in pairwise(times))


def test_the_failure_was_told_once_in_the_words_of_the_run(nights: Nights) -> None:
    [(title, body)] = nights.hook.messages
    assert title == "Nocturnal leg cramps: 1 failed"
    [run] = nights.runs(LANDED)
    events = nights.ask(
        f"""{{ logsForRun(runId: "{run.dagster_run.run_id}") {{ ... on EventConnection {{ events {{
        ... on ExecutionStepFailureEvent {{ failureMetadata {{ description }} }} }} }} }} }}"""
    )["logsForRun"]["events"]
    [shown] = [event["failureMetadata"]["description"] for event in events if event.get("failureMetadata")]
    words = "\n".join(shown.splitlines()[1:-1])
    assert PAIRS in words
    assert words in body
    assert shown.splitlines()[-1] in body
    assert PASSWORD not in body + nights.ui.log


def test_dagster_shows_how_fresh_what_readers_see_is(nights: Nights) -> None:
    """In the open source, without Dagster+. The daemon judges freshness in turns of its own, some time after a night."""
    answer = nights.ask(
        """{ assetNodes { assetKey { path }
        internalFreshnessPolicy { ... on TimeWindowFreshnessPolicy { failWindowSeconds } } } }"""
    )
    policies = {".".join(node["assetKey"]["path"]): node["internalFreshnessPolicy"] for node in answer["assetNodes"]}
    minute_and_slack = {"failWindowSeconds": 60 + 2 * 3600}
    assert policies["release.warehouse"] == policies["report.odds_ratios"] == minute_and_slack
    assert policies["core.respondents"] is None
    wait_for(
        lambda: nights.freshness()["release.warehouse"] == "HEALTHY", "the daemon's word that readers are served fresh", nights.ui
    )
