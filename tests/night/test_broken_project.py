"""A study.yaml that somebody breaks while Dagster is up: what is told, and that what nobody judged is tried again."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.events import EngineEventData
from dagster._utils.error import serializable_error_info_from_exc_info

from pipelines.dagster.alerts import alert
from pipelines.dagster.graph import definitions
from pipelines.dagster.sensors import FIRST_PAUSE_SECONDS, RUN_KEY_TAG, next_try
from pipelines.dagster.unusable import PROJECT, unusable
from pipelines.machine.errors import ConfigurationError
from pipelines.machine.settings import REPOSITORY, Settings
from pipelines.project.project import Project
from tests.atlas import Atlas, make_atlas
from tests.night.sinks import Sink, web_hook

KEY = "what-arrived"
SENTENCE = (
    "study.yaml, line 27 (populations.women_20_44.where): compares sex with 'women', which it never is; known: male, female."
)


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[dg.DagsterInstance]:
    (tmp_path / "dagster").mkdir()
    with dg.DagsterInstance.local_temp(str(tmp_path / "dagster")) as instance:
        yield instance


@pytest.fixture
def atlas(tmp_path: Path) -> Atlas:
    return make_atlas(tmp_path / "project")


def break_it(atlas: Atlas) -> None:
    atlas.edit("study.yaml", "sex = 'female' and", "sex = 'women' and")


def mend_it(atlas: Atlas) -> None:
    atlas.edit("study.yaml", "sex = 'women' and", "sex = 'female' and")


@dg.job
def nightly() -> None:
    """Never gets to a step."""


def failed_to_load(instance: dg.DagsterInstance, key: str = KEY, error: Exception | None = None) -> None:
    """A run as Dagster leaves it whose process could not load the job: the error is noted beside the run's failure."""
    run = instance.create_run_for_job(nightly, tags={RUN_KEY_TAG: key})
    if error:
        try:
            raise error
        except ConfigurationError:
            noted = EngineEventData.engine_error(serializable_error_info_from_exc_info(sys.exc_info()))
        instance.report_engine_event("Could not load job definition.", run, noted)
    instance.report_run_failed(run)


def test_the_alert_names_the_mistake_and_another_mistake_is_news(instance: dg.DagsterInstance, atlas: Atlas, hook: Sink) -> None:
    project = Project(**{**vars(atlas.project), "settings": Settings(project=atlas.folder, alert_urls=hook.url)})
    for sentence in (SENTENCE, SENTENCE, "study.yaml, line 7 (confidence_level): must be less than 1; found the number 95."):
        failed_to_load(instance, error=ConfigurationError(sentence))
        alert(instance, project)
    [(_, first), (_, second)] = hook.messages
    assert f"the run ended before its last step: {SENTENCE}" in first
    assert "line 7 (confidence_level)" in second
    assert "outside the execution context" not in first + second


def test_a_run_that_failed_for_no_reason_that_dagster_noted_still_says_what_dagster_says(
    instance: dg.DagsterInstance, atlas: Atlas, hook: Sink
) -> None:
    project = Project(**{**vars(atlas.project), "settings": Settings(project=atlas.folder, alert_urls=hook.url)})
    failed_to_load(instance)
    alert(instance, project)
    assert "the run ended before its last step: " in hook.messages[0][1]


def test_what_a_broken_study_kept_from_being_judged_is_tried_at_the_tick_after_it_is_mended(
    instance: dg.DagsterInstance, atlas: Atlas
) -> None:
    now = time.time() + 1
    assert next_try(instance, atlas.settings, KEY, now) == KEY
    break_it(atlas)
    asked = next_try(instance, atlas.settings, KEY, now)
    assert isinstance(asked, str), "one run fails, so that the reason is told"
    assert asked != KEY
    failed_to_load(instance, asked)
    for _ in range(2):
        waits = next_try(instance, atlas.settings, KEY, now)
        assert isinstance(waits, dg.SkipReason)
        assert waits.skip_message == SENTENCE
    mend_it(atlas)
    assert next_try(instance, atlas.settings, KEY, now) == KEY


def test_a_run_that_judged_nothing_is_tried_again_at_the_next_tick_and_then_with_pauses(
    instance: dg.DagsterInstance, atlas: Atlas
) -> None:
    run = instance.create_run_for_job(nightly, tags={RUN_KEY_TAG: KEY})
    waits = next_try(instance, atlas.settings, KEY, time.time())
    assert isinstance(waits, dg.SkipReason)
    assert run.run_id in str(waits.skip_message)
    instance.report_run_failed(run)
    assert next_try(instance, atlas.settings, KEY, time.time()) == f"{KEY}-1"
    failed_to_load(instance, f"{KEY}-1")
    assert isinstance(next_try(instance, atlas.settings, KEY, time.time()), dg.SkipReason)
    assert next_try(instance, atlas.settings, KEY, time.time() + FIRST_PAUSE_SECONDS) == f"{KEY}-2"


def test_the_sensor_asks_again_for_a_delivery_whose_run_judged_nothing(synthetic: Atlas, instance: dg.DagsterInstance) -> None:
    from tests.night.small import PAIRS, SOURCE, generated_no_more

    generated_no_more(synthetic)
    path = synthetic.settings.landing_folder / SOURCE / PAIRS
    path.write_text(path.read_text(encoding="utf-8") + "\n", encoding="utf-8")
    synthetic.edit("study.yaml", "quiet_seconds: 60", "quiet_seconds: 0.001")
    sensor = definitions(synthetic.project).get_repository_def().get_sensor_def("landing")

    def tick(cursor: str | None) -> dg.SensorResult:
        result = sensor(dg.build_sensor_context(instance, cursor=cursor))
        assert isinstance(result, dg.SensorResult)
        return result

    seen = tick(None).cursor
    time.sleep(0.01)
    first = tick(seen)
    assert first.run_requests, first.skip_reason
    failed_to_load(instance, str(first.run_requests[0].run_key))
    again = tick(first.cursor)
    assert again.run_requests, again.skip_reason
    assert again.run_requests[0].run_key != first.run_requests[0].run_key


def test_dagster_shows_what_is_wrong_and_tells_the_sinks_once(atlas: Atlas, hook: Sink) -> None:
    broken = unusable(Settings(project=atlas.folder, alert_urls=hook.url), ConfigurationError(SENTENCE)).get_repository_def()
    [spec] = [spec for asset in broken.assets_defs_by_key.values() for spec in asset.specs]
    assert SENTENCE in str(spec.description)
    sensor = broken.get_sensor_def("alerts")
    with dg.DagsterInstance.ephemeral() as instance:
        context = dg.build_sensor_context(instance)
        sensor(context)
        sensor(dg.build_sensor_context(instance, cursor=context.cursor))
        failed = dg.materialize(list(broken.assets_defs_by_key.values()), instance=instance, raise_on_error=False)
    [(_, told)] = hook.messages
    assert SENTENCE in told
    [event] = [event for event in failed.all_events if event.event_type == dg.DagsterEventType.STEP_FAILURE]
    assert event.step_failure_data.user_failure_data
    assert event.step_failure_data.user_failure_data.description == SENTENCE


def test_a_sink_that_was_down_is_told_when_it_is_back_and_the_other_one_only_once(atlas: Atlas) -> None:
    with web_hook() as up, web_hook() as down, dg.DagsterInstance.ephemeral() as instance:
        settings = Settings(project=atlas.folder, alert_urls=f"{up.url} {down.url}")
        sensor = unusable(settings, ConfigurationError(SENTENCE)).get_repository_def().get_sensor_def("alerts")
        cursor: str | None = "3f1c9a"  # as an earlier version kept it
        for down.is_down in (True, True, False, False):
            context = dg.build_sensor_context(instance, cursor=cursor)
            skipped = sensor(context)
            cursor = context.cursor
            assert isinstance(skipped, dg.SkipReason)
            assert ("sink 2 of 2" in str(skipped.skip_message)) == down.is_down
    assert [len(sink.messages) for sink in (up, down)] == [1, 1]
    assert up.kinds == down.kinds == ["failure"]


LOAD = """
import json, sys
from dagster._core.code_pointer import CodePointer
from dagster._core.definitions.reconstruct import initialize_repository_def_from_pointer, reconstruct_repository_def_from_pointer
from dagster._core.definitions.definitions_load_context import DefinitionsLoadContext

pointer = CodePointer.from_module("pipelines.dagster.definitions", "defs", None)
shown = [key.to_user_string() for key in initialize_repository_def_from_pointer(pointer).assets_defs_by_key]
del sys.modules["pipelines.dagster.definitions"]
DefinitionsLoadContext._instance = None
try:
    reconstruct_repository_def_from_pointer(pointer)
    raised = None
except Exception as error:
    raised = [type(error).__name__, str(error)]
print(json.dumps([shown, raised]))
"""


def test_the_page_of_a_broken_project_starts_and_a_run_of_it_fails_with_the_reason(atlas: Atlas) -> None:
    break_it(atlas)
    environment = {**os.environ, "CRAMP_ATLAS_PROJECT": str(atlas.folder)}
    done = subprocess.run(
        [sys.executable, "-c", LOAD], env=environment, cwd=REPOSITORY, capture_output=True, text=True, check=True, timeout=300
    )
    shown, raised = json.loads(done.stdout.splitlines()[-1])
    assert shown == [PROJECT]
    assert raised == ["ConfigurationError", SENTENCE]
