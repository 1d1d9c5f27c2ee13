"""What Dagster shows and does of a project that cannot be used: why that is so, to whoever looks and to whoever is to be told."""

import json

import dagster as dg
from dagster._core.definitions.definitions_load_context import DefinitionsLoadContext, DefinitionsLoadType

from pipelines.dagster.alerts import VARIABLE, AlertNotSent, Message, send, urls, where_to_look
from pipelines.dagster.sensors import ALERT_SECONDS, ALERTS
from pipelines.machine.errors import CrampAtlasError
from pipelines.machine.settings import Settings
from pipelines.machine.visible import markdown
from pipelines.store import digest

PROJECT = "project_cannot_be_used"

HEAD = "the project cannot be used, and nothing is refreshed until it is mended and its code location is reloaded"


def is_of_a_run() -> bool:
    """Whether Dagster reads the definitions to execute a run, not to show them."""
    return DefinitionsLoadContext.get().load_type == DefinitionsLoadType.RECONSTRUCTION


def _told(cursor: str | None) -> set[str]:
    """Digests of what which sink was told; none where the cursor is of another sensor of this name."""
    try:
        known = json.loads(cursor or "[]")
    except ValueError:
        return set()
    return set(map(str, known)) if isinstance(known, list) else set()


def unusable(settings: Settings, error: CrampAtlasError) -> dg.Definitions:
    """One asset that says what is wrong, fails with it where somebody materialises it, and a sensor that tells the sinks once."""
    reason = str(error)

    @dg.asset(name=PROJECT, description=f"{HEAD[0].upper()}{HEAD[1:]}:\n\n{markdown(reason)}", group_name="release")
    def project() -> None:
        raise dg.Failure(reason, allow_retries=False)

    @dg.sensor(
        name=ALERTS,
        minimum_interval_seconds=ALERT_SECONDS,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description=f"Tells the sinks of {VARIABLE} once why the project cannot be used.",
    )
    def alerts(context: dg.SensorEvaluationContext) -> dg.SkipReason:
        sign, sinks = digest(reason), urls(settings.alert_urls)
        message = Message(f"Cramp Atlas: {HEAD}", f"{reason}\n{where_to_look(settings)}", "failure")
        told = _told(context.cursor)
        failures = []
        for position, url in enumerate(sinks, start=1):
            known = digest([sign, url])  # a sink that was down is told again, and only that one
            if known not in told:
                try:
                    send(url, message, f"sink {position} of {len(sinks)}")
                    told.add(known)
                except AlertNotSent as error:
                    failures.append(str(error))
        context.update_cursor(json.dumps(sorted(told & {digest([sign, url]) for url in sinks})))
        return dg.SkipReason("; ".join([*failures, f"{HEAD}: {reason}"]))

    return dg.Definitions(assets=[project], sensors=[alerts])
