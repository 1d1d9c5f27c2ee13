"""One message a night for whoever must know: what failed, what is mended, which numbers moved. What was said is not said again.

Sinks are the Apprise URLs of CRAMP_ATLAS_ALERT_URLS. They hold passwords: no message, error or log shows one.
"""

import hashlib
import logging
import socket
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import dagster as dg
import duckdb
from pydantic import BaseModel, SecretStr

from pipelines.dagster.runs import SAME_MOMENT_SECONDS, Night, last_night, nights_after, set_back_to
from pipelines.machine.errors import CrampAtlasError
from pipelines.machine.settings import Settings
from pipelines.machine.visible import visible
from pipelines.project.project import Project
from pipelines.release.kept import manifests, releases_folder
from pipelines.release.standing import readers_have

VARIABLE = "CRAMP_ATLAS_ALERT_URLS"

STATE = "cramp-atlas/alerts"
"""Key of Dagster's storage that holds what each sink was told."""

KINDS = {"failed": "failure", "numbers moved": "warning", "mended": "success"}
"""Section of a message -> the type that Apprise gives to it; the first that is there is the message's."""

logging.getLogger("apprise").disabled = True  # it writes URLs that it cannot use into its log, with their passwords


class AlertNotSent(CrampAtlasError):
    """A sink could not be reached, or is none; the message names it by its position and kind."""


class Open(BaseModel):
    """A cause that was told and is not mended: its sign, and the run that told of it."""

    sign: str
    run_id: str


class Told(BaseModel):
    """What one sink knows: nights until when (seconds since 1970), releases until which, and what is open.

    `ahead` are runs of a clock that was set back since: what they found was told, or is found again.
    """

    until: float | None = None
    ahead: list[str] = []
    release: str | None = None
    open: dict[str, Open] = {}


class State(BaseModel):
    """Sink -> what it knows. A sink is known by a hash of its URL."""

    sinks: dict[str, Told] = {}

    def held_runs(self) -> set[str]:
        """The failed runs that somebody was told of and may still want to look at."""
        return {cause.run_id for told in self.sinks.values() for cause in told.open.values()}


@dataclass(frozen=True)
class Message:
    """`kind` is Apprise's: failure, warning, success or info."""

    title: str
    body: str
    kind: str = "info"


MOVED = """
    with counted as (
      select table_name, source, compared_with, count(*) as n, max(abs(difference_in_se)) as largest
      from meta.release_changes where change = 'changed' group by all
    )
    select any_value(compared_with), sum(n), max(largest),
      string_agg(format('{} {}: {}', table_name, source, n), ', ' order by table_name, source)
    from counted
"""
"""What moved in a release, by how much at most, and how many numbers by table and source."""


@dataclass(frozen=True)
class Moved:
    """What a release changed in the report tables: how many numbers, and the largest move in standard errors before it."""

    release_id: str
    compared_with: str
    n_numbers: int
    largest: float
    tables: str


def read_state(instance: dg.DagsterInstance) -> State:
    text = instance.daemon_cursor_storage.get_cursor_values({STATE}).get(STATE)
    return State.model_validate_json(text) if text else State()


def write_state(instance: dg.DagsterInstance, state: State) -> None:
    instance.daemon_cursor_storage.set_cursor_values({STATE: state.model_dump_json()})


def alert(instance: dg.DagsterInstance, project: Project) -> int:
    """Tell every sink what it does not know yet, in one message; returns how many messages were sent.

    What one sink was told is kept before the next is tried. Raises AlertNotSent when all were tried and one failed: the next
    call tells that one again, and only that one.
    """
    sinks = urls(project.settings.alert_urls)
    state = read_state(instance)
    state.sinks = {key: state.sinks.get(key, Told()) for key in map(_key, sinks)}
    failures, n_sent = [], 0
    for position, url in enumerate(sinks, start=1):
        message, told = news(instance, project, state.sinks[_key(url)])
        if message:
            try:
                send(url, message, f"sink {position} of {len(sinks)}")
            except AlertNotSent as error:
                failures.append(str(error))
                continue
            n_sent += 1
        state.sinks[_key(url)] = told
        write_state(instance, state)
    if failures:
        raise AlertNotSent("; ".join(failures))
    return n_sent


def try_sinks(project: Project) -> int:
    """Send a trial message to each sink; returns how many there are. Raises AlertNotSent that names each that failed."""
    sinks = urls(project.settings.alert_urls)
    if not sinks:
        raise AlertNotSent(f"{VARIABLE} is not set: docs/night.md has examples")
    failures = []
    for position, url in enumerate(sinks, start=1):
        try:
            message = Message(
                f"{project.study.title}: a trial", f"Alerts of {socket.gethostname()} arrive here.\n{readers_have(project)}"
            )
            send(url, message, f"sink {position} of {len(sinks)}")
        except AlertNotSent as error:
            failures.append(str(error))
    if failures:
        raise AlertNotSent("; ".join(failures))
    return len(sinks)


def news(instance: dg.DagsterInstance, project: Project, told: Told) -> tuple[Message | None, Told]:
    """What a sink is told next, if anything, and what it knows then."""
    if told.until is None:
        first = last_night(instance, project)
        nights = [first] if first else []
    else:
        if told.until > time.time() + SAME_MOMENT_SECONDS:
            until, ahead = set_back_to(instance)
            told = told.model_copy(update={"until": until, "ahead": ahead})
        nights = [night for night in nights_after(instance, project, told.until or 0) if night.run_id not in told.ahead]
    if not nights:
        return None, told
    still_open, words = dict(told.open), dict[str, str]()
    for night in nights:
        still_open, words = _after(still_open, words, night)
    releases = [str(manifest["release_id"]) for manifest in manifests(project)]
    moved = _moved(project, releases, told.release)
    known = Told(until=nights[-1].ended_at, ahead=told.ahead, release=releases[-1] if releases else None, open=still_open)
    new = [about for about, cause in still_open.items() if about not in told.open or told.open[about].sign != cause.sign]
    sections = {
        "failed": [words[about] for about in new],
        "mended": [f"{about} is well again" for about in told.open if about not in still_open],
        "numbers moved": [_in_words(release) for release in moved],
    }
    if not any(sections.values()):
        return None, known
    still = ", ".join(about for about in still_open if about not in new)
    tail = [
        *([f"still open: {still}"] if still else []),
        readers_have(project),
        where_to_look(project.settings, nights[-1].run_id),
    ]
    return _compose(project, sections, tail), known


def _after(still_open: Mapping[str, Open], words: Mapping[str, str], night: Night) -> tuple[dict[str, Open], dict[str, str]]:
    """What is open after one more night: the run named is the first that failed for this reason."""
    kept = {about: cause for about, cause in still_open.items() if not night.settles(about)}
    for about, cause in night.causes.items():
        before = still_open.get(about)
        same = before is not None and before.sign == cause.sign
        kept[about] = before if before and same else Open(sign=cause.sign, run_id=night.run_id)
    return kept, {**words, **{about: cause.words for about, cause in night.causes.items()}}


def _compose(project: Project, sections: Mapping[str, Sequence[str]], tail: Sequence[str]) -> Message:
    told = {name: lines for name, lines in sections.items() if lines}
    counts = ", ".join(f"{len(lines)} {name}" if name != "numbers moved" else name for name, lines in told.items())
    body = [line for name, lines in told.items() for line in (name.upper(), *lines, "")]
    kind = next(KINDS[name] for name in KINDS if name in told)
    return Message(f"{project.study.title}: {counts}", "\n".join([*body, *tail]), kind)


def where_to_look(settings: Settings, run_id: str | None = None) -> str:
    """The machine, and what says more there: whoever reads a message is elsewhere."""
    place = f"{socket.gethostname()}:{settings.project.resolve()}"
    page = f", or the page of Dagster there, /runs/{run_id}" if run_id else ""
    return f"where to look: cramp-atlas status in {place}{page}"


def _moved(project: Project, releases: Sequence[str], known: str | None) -> list[Moved]:
    """The releases since the one that the sink knows whose numbers moved by the threshold of study.yaml or more."""
    if known not in releases:
        return []
    found = [_moved_in(project, release) for release in releases[releases.index(known) + 1 :]]
    return [moved for moved in found if moved and moved.largest >= project.study.alerts.moved_standard_errors]


def _moved_in(project: Project, release: str) -> Moved | None:
    database = releases_folder(project) / release / "epi_public.duckdb"
    try:
        with duckdb.connect(str(database), read_only=True) as connection:
            rows = connection.sql(MOVED).fetchall()
    except duckdb.Error:
        # damaged, which the night says: alerts about other releases go on
        return None
    return next((Moved(release, row[0], int(row[1]), float(row[2]), row[3]) for row in rows if row[2] is not None), None)


def _in_words(moved: Moved) -> str:
    return (
        f"release {moved.release_id}: {moved.n_numbers:,} numbers differ from {moved.compared_with}, by up to "
        f"{moved.largest:.1f} standard errors ({moved.tables}); "
        f"why: cramp-atlas releases diff {moved.compared_with} {moved.release_id}"
    )


def urls(setting: SecretStr) -> list[str]:
    """The sinks, which blanks or line ends separate."""
    return setting.get_secret_value().split()


def _key(url: str) -> str:
    return hashlib.sha256(url.encode()).hexdigest()[:16]


def send(url: str, message: Message, name: str) -> None:
    """Send through one sink; raises AlertNotSent, which shows nothing of the URL but its kind."""
    import apprise

    sink = None
    try:
        sink = apprise.Apprise.instantiate(url, suppress_exceptions=True)
        kind = apprise.NotifyType(message.kind)
        text = apprise.NotifyFormat.TEXT
        body, title = visible(message.body), " ".join(visible(message.title).split())
        is_sent = bool(sink and sink.notify(body=body, title=title, notify_type=kind, body_format=text))
    except Exception:  # its text may hold the URL
        is_sent = False
    if sink is None:
        raise AlertNotSent(f"{name} of {VARIABLE} is no URL of a service that Apprise knows: docs/night.md has examples")
    if not is_sent:
        raise AlertNotSent(f"the alert could not be sent to {name} of {VARIABLE} ({sink.service_name})")
