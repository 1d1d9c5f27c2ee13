"""Who is told what after which night. The nights are runs of a job of two steps: what they raise is what the real ones raise."""

import dataclasses
import json
import logging
import socket
import sqlite3
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import dagster as dg
import duckdb
import pytest
from typer.testing import CliRunner

from pipelines.dagster.alerts import AlertNotSent, alert, read_state
from pipelines.dagster.home import PROCESS_TAG
from pipelines.dagster.runs import CAUSES, PUBLISH
from pipelines.dagster.sensors import alert_sensor
from pipelines.machine.errors import StoreDamaged
from pipelines.machine.settings import Settings
from pipelines.project.project import Project
from pipelines.terminal.cli import app
from tests.atlas import Atlas, make_atlas
from tests.night.sinks import PASSWORD, Sink

REJECTED = {
    "clinic 2024": "clinic 2024 (Sleep clinic): what was delivered does not meet its contract\n  whose: clinic@example.org"
}
VALUE = "Elm Street 5"


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.local_temp(str(tmp_path)) as instance:
        yield instance


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Atlas:
    """A project of which nothing ran yet."""
    return make_atlas(tmp_path_factory.mktemp("small") / "project")


def told_by(atlas: Atlas, *sinks: Sink | str) -> Project:
    """The project with these sinks."""
    urls = " ".join(sink if isinstance(sink, str) else sink.url for sink in sinks)
    return dataclasses.replace(_project(atlas.folder), settings=Settings(project=atlas.folder, alert_urls=urls))


@cache
def _project(folder: Path) -> Project:
    return Atlas(folder).project


def night(
    instance: dg.DagsterInstance,
    rejected: dict[str, str] | None = None,
    raised: BaseException | None = None,
    tags: dict[str, str] | None = None,
) -> str:
    """One run. `rejected` is what the last step finds rejected; `raised` is raised by the step before it."""

    @dg.op
    def take_in_clinic() -> None:
        if raised:
            raise raised

    @dg.op(name=PUBLISH, ins={"after": dg.In(dg.Nothing)})
    def publish() -> None:
        if rejected:
            raise dg.Failure("rejected", metadata={CAUSES: dg.MetadataValue.json(rejected)}, allow_retries=False)

    @dg.job
    def nightly() -> None:
        publish(take_in_clinic())

    return nightly.execute_in_process(instance=instance, raise_on_error=False, tags=tags).run_id


def test_a_failure_is_told_once_and_so_is_the_recovery(
    instance: dg.DagsterInstance, small: Atlas, hook: Sink, mail: Sink
) -> None:
    project = told_by(small, hook, mail)
    night(instance)
    assert alert(instance, project) == 0
    run_id = night(instance, REJECTED)
    assert alert(instance, project) == 2
    assert alert(instance, project) == 0
    night(instance, REJECTED)
    assert alert(instance, project) == 0
    assert read_state(instance).held_runs() == {run_id}
    night(instance)
    assert alert(instance, project) == 2
    assert read_state(instance).held_runs() == set()
    night(instance)
    assert alert(instance, project) == 0
    for sink in (hook, mail):
        titles = [title for title, _ in sink.messages]
        assert titles == ["Nocturnal leg cramps: 1 failed", "Nocturnal leg cramps: 1 mended"]
        failed, mended = (body.replace("\r\n", "\n") for _, body in sink.messages)
        assert REJECTED["clinic 2024"] in failed
        assert run_id in failed
        assert "clinic 2024 is well again" in mended
        assert f"cramp-atlas status in {socket.gethostname()}:{small.folder}" in failed
        assert PASSWORD not in failed + mended
    assert hook.kinds == ["failure", "success"]


def test_one_message_tells_all_that_is_new_and_names_what_is_still_open(
    instance: dg.DagsterInstance, small: Atlas, hook: Sink
) -> None:
    project = told_by(small, hook)
    night(instance, REJECTED | {"cohort 1": "cohort 1 failed"})
    alert(instance, project)
    night(instance, {"cohort 1": "cohort 1 failed", "cohort 2": "cohort 2 failed"})
    alert(instance, project)
    title, body = hook.messages[1]
    assert title == "Nocturnal leg cramps: 1 failed, 1 mended"
    assert body.startswith("FAILED\ncohort 2 failed\n\nMENDED\nclinic 2024 is well again\n\nstill open: cohort 1\n")


def test_another_reason_for_the_same_delivery_is_news(instance: dg.DagsterInstance, small: Atlas, hook: Sink) -> None:
    project = told_by(small, hook)
    for words in ("a column is missing", "a column is missing", "a row is missing"):
        night(instance, {"clinic 2024": words})
        alert(instance, project)
    assert [body.splitlines()[1] for _, body in hook.messages] == ["a column is missing", "a row is missing"]


def test_nights_that_nobody_was_told_of_are_told_together(instance: dg.DagsterInstance, small: Atlas, hook: Sink) -> None:
    """As after a weekend with the daemon down: only what is so in the end."""
    project = told_by(small, hook)
    night(instance)
    alert(instance, project)
    night(instance, {"cohort 1": "cohort 1 failed"})
    night(instance, REJECTED)
    alert(instance, project)
    [(_, body)] = hook.messages
    assert body.startswith(f"FAILED\n{REJECTED['clinic 2024']}\n\nreaders have")


def test_a_sink_that_was_down_is_told_exactly_once_and_the_others_not_again(
    instance: dg.DagsterInstance, small: Atlas, hook: Sink, mail: Sink
) -> None:
    project = told_by(small, hook, mail)
    night(instance, REJECTED)
    hook.is_down = True
    for _ in range(2):
        with pytest.raises(AlertNotSent, match=r"could not be sent to sink 1 of 2 of CRAMP_ATLAS_ALERT_URLS \(JSON\)") as caught:
            alert(instance, project)
        assert PASSWORD not in str(caught.value) + repr(caught.value.__context__)
    hook.is_down = False
    assert alert(instance, project) == 1
    assert alert(instance, project) == 0
    assert (len(hook.messages), len(mail.messages)) == (1, 1)


def test_a_step_that_raised_is_a_cause_and_leaves_open_what_it_kept_the_night_from_judging(
    instance: dg.DagsterInstance, small: Atlas, hook: Sink
) -> None:
    project = told_by(small, hook)
    night(instance, REJECTED)
    alert(instance, project)
    night(instance, raised=ValueError(f"cannot read '{VALUE}'"))
    alert(instance, project)
    night(instance, raised=ValueError(f"cannot read '{VALUE} again'"))
    alert(instance, project)
    night(instance, raised=StoreDamaged("the accepted object of raw.clinic is missing"))
    alert(instance, project)
    night(instance)
    alert(instance, project)
    _, unknown, ours, mended = (body for _, body in hook.messages)
    assert "take_in_clinic failed: ValueError; the log of the run in Dagster has its text" in unknown
    assert "still open: clinic 2024" in unknown
    assert "MENDED" not in unknown
    assert VALUE not in "".join(body for _, body in hook.messages)
    assert "take_in_clinic failed: the accepted object of raw.clinic is missing" in ours
    assert "clinic 2024 is well again\nstep take_in_clinic is well again" in mended


def test_a_night_that_died_or_did_not_start_is_a_cause(instance: dg.DagsterInstance, small: Atlas, hook: Sink) -> None:
    project = told_by(small, hook)

    @dg.job
    def nightly() -> None:
        """Never gets to a step."""

    for number in (17, 18):
        run = instance.create_run_for_job(nightly, status=dg.DagsterRunStatus.STARTED)
        instance.report_run_failed(run, f"process {number} ended before the run did")
        alert(instance, project)
    night(instance)
    alert(instance, project)
    [(_, died), (_, mended)] = hook.messages
    assert "the run ended before its last step: process 17 ended before the run did" in died
    assert "the run is well again" in mended


def test_who_interrupts_a_refresh_in_a_terminal_needs_no_alert(instance: dg.DagsterInstance, small: Atlas, hook: Sink) -> None:
    project = told_by(small, hook)
    night(instance)
    alert(instance, project)
    interrupted = dg.DagsterExecutionInterruptedError("asked to end")
    night(instance, raised=interrupted, tags={PROCESS_TAG: "17"})
    assert alert(instance, project) == 0
    night(instance, raised=interrupted)
    assert alert(instance, project) == 1


def test_a_run_of_single_tables_is_no_night(instance: dg.DagsterInstance, small: Atlas, hook: Sink) -> None:
    """Who starts one sees how it ends; that it succeeds mends nothing."""
    project = told_by(small, hook)
    run_id = night(instance, REJECTED)
    alert(instance, project)

    @dg.asset(key_prefix="raw")
    def clinic() -> None:
        """One table."""

    @dg.asset(key_prefix="release", deps=[clinic])
    def warehouse() -> None:
        """The release."""

    job = dg.define_asset_job("nightly", selection=dg.AssetSelection.all())
    resolved = dg.Definitions([clinic, warehouse], jobs=[job]).resolve_job_def("nightly")
    assert resolved.execute_in_process(instance=instance, asset_selection=[clinic.key]).success
    assert resolved.execute_in_process(instance=instance, asset_selection=[warehouse.key]).success
    assert alert(instance, project) == 0
    assert list(read_state(instance).held_runs()) == [run_id]


def release(atlas: Atlas, release_id: str, moves: list[tuple[str, str, float | None]]) -> None:
    """A release with nothing but what alerts read of it: `moves` are table, source and difference in standard errors."""
    folder = atlas.warehouse / "releases" / release_id
    folder.mkdir(parents=True)
    published_at = datetime.now(UTC).isoformat()
    manifest = {
        "release_id": release_id,
        "sequence": 1,
        "published_at": published_at,
        "content_hash": "",
        "objects": [],
        "files": {},
    }
    (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    with duckdb.connect(str(folder / "epi_public.duckdb")) as connection:
        connection.execute(
            """
            create schema meta;
            create table meta.release_changes
            (table_name varchar, source varchar, change varchar, difference_in_se double, compared_with varchar)
            """
        )
        for table, source, moved in moves:
            connection.execute(
                "insert into meta.release_changes values (?, ?, 'changed', ?, 'the one before')", [table, source, moved]
            )


def test_numbers_that_moved_by_the_threshold_are_told_once(
    instance: dg.DagsterInstance, tmp_path_factory: pytest.TempPathFactory, hook: Sink
) -> None:
    atlas = make_atlas(tmp_path_factory.mktemp("moved") / "project")
    atlas.edit("study.yaml", "moved_standard_errors: 1.0", "moved_standard_errors: 2.0")
    project = told_by(atlas, hook)
    release(atlas, "r1", [("report.trends", "clinic", 9.0)])  # before anybody was told of anything
    night(instance)
    assert alert(instance, project) == 0
    release(atlas, "r2", [("report.trends", "clinic", 1.99), ("report.trends", "clinic", None)])
    night(instance)
    assert alert(instance, project) == 0
    release(
        atlas, "r3", [("report.trends", "clinic", -2.0), ("report.trends", "clinic", 0.1), ("report.odds_ratios", "cohort", None)]
    )
    night(instance)
    assert alert(instance, project) == 1
    night(instance)
    assert alert(instance, project) == 0
    release(atlas, "r4", [("report.trends", "clinic", None)])  # what differs has no standard error
    night(instance)
    assert alert(instance, project) == 0
    [(title, body)] = hook.messages
    assert title == "Nocturnal leg cramps: numbers moved"
    assert (
        "release r3: 3 numbers differ from the one before, by up to 2.0 standard errors "
        "(report.odds_ratios cohort: 1, report.trends clinic: 2); why: cramp-atlas releases diff the one before r3"
    ) in body


DAY = 86_400


def a_day_ahead(instance: dg.DagsterInstance, folder: Path, run_id: str) -> None:
    """The run as one that a clock saw which was a day ahead."""
    [database] = folder.rglob("runs.db")
    with sqlite3.connect(database) as connection:
        connection.execute("update runs set end_time = end_time + ? where run_id = ?", [DAY, run_id])
    [record] = instance.get_run_records(dg.RunsFilter(run_ids=[run_id]))
    assert (record.end_time or 0) > time.time() + DAY / 2


def test_after_a_night_with_a_clock_ahead_the_next_nights_are_told_and_none_twice(
    instance: dg.DagsterInstance, tmp_path: Path, small: Atlas, hook: Sink, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = told_by(small, hook)
    real = time.time
    night(instance)
    assert alert(instance, project) == 0
    a_day_ahead(instance, tmp_path, night(instance, REJECTED))
    with monkeypatch.context() as patch:
        patch.setattr(time, "time", lambda: real() + DAY)
        assert alert(instance, project) == 1
    # set right again: the good night before is no recovery, and what the night ahead found is still open
    assert alert(instance, project) == 0
    night(instance, REJECTED)
    assert alert(instance, project) == 0
    night(instance)
    assert alert(instance, project) == 1
    # a day later, when the clock comes to where it once was
    with monkeypatch.context() as patch:
        patch.setattr(time, "time", lambda: real() + DAY)
        assert alert(instance, project) == 0
    assert [title.rpartition(": ")[2] for title, _ in hook.messages] == ["1 failed", "1 mended"]


def test_the_sensor_fails_where_a_sink_does_so_that_it_tries_again(
    instance: dg.DagsterInstance, small: Atlas, hook: Sink
) -> None:
    night(instance, REJECTED)
    hook.is_down = True
    sensor = alert_sensor(told_by(small, hook))
    with pytest.raises(AlertNotSent):
        sensor(dg.build_sensor_context(instance))
    hook.is_down = False
    said: Any = sensor(dg.build_sensor_context(instance))
    assert said.skip_message == "1 messages sent"
    unset: Any = alert_sensor(told_by(small))(dg.build_sensor_context(instance))
    assert unset.skip_message == "nobody is told: CRAMP_ATLAS_ALERT_URLS is not set"


@pytest.mark.parametrize("url", [f"nonsense://atlas:{PASSWORD}@127.0.0.1/", f"json://atlas:{PASSWORD}@127.0.0.1:1/hook"])
def test_a_trial_names_the_sink_that_fails_and_never_its_password(
    small: Atlas, monkeypatch: pytest.MonkeyPatch, hook: Sink, caplog: pytest.LogCaptureFixture, url: str
) -> None:
    monkeypatch.setenv("CRAMP_ATLAS_PROJECT", str(small.folder))
    monkeypatch.setenv("CRAMP_ATLAS_ALERT_URLS", hook.url)
    with caplog.at_level(logging.DEBUG):
        assert CliRunner().invoke(app, ["test-alert"]).stdout == "a trial message was sent to 1 sink\n"
        monkeypatch.setenv("CRAMP_ATLAS_ALERT_URLS", f"{url} {hook.url}")
        result = CliRunner().invoke(app, ["test-alert"])
    assert result.exit_code == 3
    assert "sink 1 of 2 of CRAMP_ATLAS_ALERT_URLS" in result.stdout
    assert len(hook.messages) == 2
    assert PASSWORD not in result.output + caplog.text + repr(Settings())


def test_without_a_sink_the_trial_says_what_to_set(small: Atlas, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CRAMP_ATLAS_PROJECT", str(small.folder))
    monkeypatch.delenv("CRAMP_ATLAS_ALERT_URLS", raising=False)
    result = CliRunner().invoke(app, ["test-alert"])
    assert (result.exit_code, result.stdout) == (3, "CRAMP_ATLAS_ALERT_URLS is not set: docs/night.md has examples\n")
