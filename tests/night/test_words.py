"""After a failed night the run in Dagster, the terminal and the alert say the same; and how a wave is read again."""

import dagster as dg
import pytest
from typer.testing import CliRunner

from pipelines.dagster.alerts import alert
from pipelines.dagster.graph import definitions
from pipelines.release.kept import current_release
from pipelines.terminal.cli import app
from pipelines.terminal.exit_codes import exit_code_of
from tests.atlas import Atlas
from tests.night.sinks import Sink
from tests.night.small import PAIRS, SOURCE, generated_no_more
from tests.night.test_alerts import told_by

MARK = "77123"
"""A number of a pair that is in no codebook and in no message."""


def test_the_run_the_terminal_and_the_alert_say_the_same(synthetic: Atlas, monkeypatch: pytest.MonkeyPatch, hook: Sink) -> None:
    generated_no_more(synthetic)
    release = current_release(synthetic.project)
    path = synthetic.settings.landing_folder / SOURCE / PAIRS
    path.write_text(path.read_text(encoding="utf-8").rsplit("\n", 2)[0].replace("\n1,", f"\n{MARK},") + "\n", encoding="utf-8")
    refreshed = synthetic.refresh()
    [said] = refreshed.failures
    assert said.splitlines() == [
        "rejected, and left at the last accepted state:",
        "synthetic_case_control 136-pairs (Synthetic case-control source): what was delivered does not meet its contract",
        f"  delivery: raw.synthetic_case_control_participants 136-pairs: {PAIRS} has 271 rows where 272 are published: "
        "the file is cut or is another release; fetch it again",
        "  whose: team:epidemiology",
        "  to do: ask for a corrected file and put it into landing/synthetic_case_control, "
        "or mend the contract where it is wrong",
        "  synthetic_case_control 136-pairs is stale: readers see what was accepted before",
        f"readers have release {current_release(synthetic.project)}",
    ]
    assert current_release(synthetic.project) != release  # it says what stands rejected

    monkeypatch.setenv("CRAMP_ATLAS_PROJECT", str(synthetic.folder))
    monkeypatch.setenv("DAGSTER_HOME", str(synthetic.folder / ".dagster"))
    status = CliRunner().invoke(app, ["status"])
    assert status.exit_code == 1
    assert f"\n{said}\n" in status.output

    with dg.DagsterInstance.get() as instance:
        assert alert(instance, told_by(synthetic, hook)) == 1
        [(_, body)] = hook.messages
        words = said.splitlines()
        assert "\n".join(words[1:-1]) in body
        assert words[-1] in body
        assert MARK not in body + status.output + said

        monkeypatch.setattr("pipelines.dagster.assets.raw.take_in", fail)
        broken = synthetic.refresh().broken
        status = CliRunner().invoke(app, ["status"])
        alert(instance, told_by(synthetic, hook))
    failed = "take_in_nhanes failed: RuntimeError; the log of the run in Dagster has its text"
    assert (status.exit_code, failed in status.output, failed in hook.messages[1][1]) == (1, True, True)
    assert failed in broken
    assert MARK not in "".join(broken)
    assert MARK not in status.output + hook.messages[1][1]


def fail(*_: object, **__: object) -> None:
    raise RuntimeError(f"cannot read {MARK}")


def test_the_launchpad_offers_the_waves_and_refuses_others_before_the_start(published_synthetic: Atlas) -> None:
    job = definitions(published_synthetic.project).resolve_job_def("nightly")
    field = job.run_config_schema.config_type.fields["ops"].config_type.fields["take_in_nhanes"]  # type: ignore[attr-defined]
    reread = field.config_type.fields["config"].config_type.fields["reread"]
    assert (field.is_required, reread.default_value) == (False, [])
    assert reread.description == (
        "Waves to read and judge again although nothing about them has changed: "
        'any of "2005-2006", "2007-2008", "all", "*", in quotation marks.'
    )
    asked = {"ops": {"take_in_nhanes": {"config": {"reread": ["2005-2006", "*"]}}}}
    assert dg.validate_run_config(job, asked)["ops"]["take_in_nhanes"]["config"] == asked["ops"]["take_in_nhanes"]["config"]
    # a wave that looks like a number is one to YAML, unless it is in quotation marks
    for source, wrong, there_is in (
        ("nhanes", "2009-2010", 'one of "2005-2006", "2007-2008", "all", "*"'),
        ("synthetic_survey", 2024, 'one of "2024", "*", in quotation marks'),
    ):
        with pytest.raises(dg.DagsterInvalidConfigError) as caught:
            dg.validate_run_config(job, {"ops": {f"take_in_{source}": {"config": {"reread": [wrong]}}}})
        assert there_is in str(caught.value)


def test_no_step_is_tried_twice(published_synthetic: Atlas) -> None:
    """Downloads are (tests/landing/test_fetch.py); a step that failed would only fail again, and later."""
    job = definitions(published_synthetic.project).resolve_job_def("nightly")
    steps = list(job.graph.nodes)
    assert len(steps) > 10
    assert [step.name for step in steps if step.retry_policy or step.definition.retry_policy] == []  # type: ignore[attr-defined]
    assert "run_retries" not in (published_synthetic.folder / "dagster.yaml").read_text(encoding="utf-8")
    assert "dagster/max_retries" not in job.tags


def test_of_a_restricted_source_only_a_terminal_says_what_is_wrong(
    synthetic: Atlas, monkeypatch: pytest.MonkeyPatch, hook: Sink
) -> None:
    generated_no_more(synthetic)
    synthetic.edit(
        "data_contracts/sources/synthetic_case_control.yaml", "classification: synthetic", "classification: restricted"
    )
    path = synthetic.settings.landing_folder / SOURCE / PAIRS
    path.write_text(path.read_text(encoding="utf-8").rsplit("\n", 2)[0] + "\n", encoding="utf-8")
    refreshed = synthetic.refresh()
    assert exit_code_of(refreshed) == 1
    [said] = refreshed.failures
    monkeypatch.setenv("CRAMP_ATLAS_PROJECT", str(synthetic.folder))
    monkeypatch.setenv("DAGSTER_HOME", str(synthetic.folder / ".dagster"))
    status = CliRunner().invoke(app, ["status"])
    with dg.DagsterInstance.get() as instance:
        assert alert(instance, told_by(synthetic, hook)) == 1
    [(_, body)] = hook.messages
    assert "271 rows" in status.output
    for outside in (said, body):
        assert "delivery: kept back by disclosure control; cramp-atlas status says what it is" in outside
        assert "271" not in outside
