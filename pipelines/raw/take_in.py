"""Taking in a delivery: all tables of one source and wave are read, judged together, and accepted in one step or not at all."""

from dataclasses import dataclass, field
from pathlib import Path

from pipelines.landing.finding import delivered_file, digest_of, find_file, sign_of
from pipelines.landing.readers.delivered import NotReadNow
from pipelines.machine.working import parts
from pipelines.making.build import absent
from pipelines.making.faults import ANY, verdict_on
from pipelines.project.project import Project
from pipelines.raw.candidate import candidate
from pipelines.raw.claims import claims_about
from pipelines.raw.copies import copies, kept_twice, same_records
from pipelines.raw.plan import plan_raw
from pipelines.store import Acceptance, Place, Sidecar
from pipelines.store.acceptance import Cause, with_accepted, with_postponed, with_rejection
from pipelines.store.places import WHOLE_DELIVERY, about
from pipelines.store.recipe import ABSENT, Plan


@dataclass(frozen=True)
class Problem:
    """What is wrong with the delivered table of a place, in words that name both."""

    place: Place
    text: str


@dataclass(frozen=True)
class Delivery:
    """What became of the delivery of one source and wave: the sidecars of its candidates and which of them were parsed now.

    `claims` are the verdicts on the claims of sql/checks about its tables, by table; none where the files alone are refused.
    `postponed` says why nothing of it was judged: the machine failed, or a file is still arriving.
    """

    source: str
    wave: str
    candidates: dict[Place, Sidecar]
    parsed: frozenset[Place]
    found: list[Problem]
    claims: dict[Place, Sidecar] = field(default_factory=dict)
    postponed: list[str] = field(default_factory=list)

    @property
    def is_absent(self) -> bool:
        return not self.candidates and not self.postponed

    @property
    def problems(self) -> list[str]:
        """Everything that is wrong, in words."""
        return [problem.text for problem in self.found]


def take_in(project: Project, source: str, wave: str, *, reread: bool = False) -> Delivery:
    """Read what landed for one source and wave; a file whose recipe is known is not parsed again unless `reread` asks for it.

    Accepts all tables together, or rejects the delivery and keeps what was accepted before. A delivery that is not there
    is no failure: what was accepted stays, and a source that never delivered has typed tables of zero rows.
    """
    files = {place: find_file(project, place) for place in _places(project, source, wave)}
    acceptance = project.store.acceptance(source, wave)
    if not any(files.values()):
        return _absent_delivery(project, source, wave, acceptance, list(files))
    plans, candidates, parsed = {}, {}, set()
    postponed: list[str] = []
    for place in parts(list(files)):
        path = files[place]
        if path is None:
            continue
        before = sign_of(path)
        plan = plans[place] = plan_raw(project, place, _digest(project, path))
        known = None if reread else project.store.sidecar(place, plan.recipe)
        if known is None:
            parsed.add(place)
            try:
                known = _judged(project, plan, path)
            except NotReadNow as error:
                postponed.append(f"{place.name} {wave}: {error}")
                continue
        if sign_of(path) != before:
            postponed.append(f"{place.name} {wave}: {path.name} changed while it was read: it is still arriving")
            continue
        if place in parsed:
            project.store.record(place, known)
        candidates[place] = known
    if postponed:
        project.store.set_acceptance(source, wave, with_postponed(acceptance, postponed))
        return Delivery(source, wave, {}, frozenset(), [], postponed=postponed)
    missing = [place for place, path in files.items() if path is None]
    found = [Problem(place, f"{place.name} {wave}: {_file_name(project, place)} is missing") for place in missing]
    copied = copies(project, source, wave, {place: plan.ingredients["delivery"] for place, plan in plans.items()})
    found += [Problem(place, text) for place, text in copied]
    contents = {place: sidecar.content for place, sidecar in candidates.items()}
    repeated = [] if copied else same_records(project, source, wave, contents)
    found += [Problem(place, text) for place, text in repeated]
    found += _problems_in(candidates)
    recipes = {place.name: sidecar.recipe for place, sidecar in candidates.items()}
    claims: dict[Place, Sidecar] = {}
    if not found:
        claims = claims_about(project, candidates)
        found = _problems_in(claims)
        recipes |= {place.name: sidecar.recipe for place, sidecar in claims.items()}
    if found:
        found += [Problem(place, text) for place, text in kept_twice(project, source, wave)]
        cause: Cause = "contract" if _same_deliveries(project, acceptance, plans) else "delivery"
        acceptance = with_rejection(acceptance, WHOLE_DELIVERY, cause, [problem.text for problem in found], recipes)
    else:
        acceptance = with_accepted(acceptance, WHOLE_DELIVERY, recipes)
    project.store.set_acceptance(source, wave, with_postponed(acceptance, []))
    by_table = {about(place): sidecar for place, sidecar in claims.items()}
    return Delivery(source, wave, candidates, frozenset(parsed), found, by_table)


def _digest(project: Project, path: Path) -> str:
    """The hash that a delivered file is known by."""
    settings = project.settings
    return digest_of(path, within=settings.landing_folder, most=settings.reader_decompressed_limit)


def _problems_in(sidecars: dict[Place, Sidecar]) -> list[Problem]:
    return [Problem(about(place), text) for place, sidecar in sidecars.items() for text in sidecar.problems]


def _places(project: Project, source: str, wave: str) -> list[Place]:
    return [Place("raw", table, source, wave) for table in project.sources[source].waves[wave].tables]


def _file_name(project: Project, place: Place) -> str:
    return delivered_file(project, place).file


def _absent_delivery(project: Project, source: str, wave: str, acceptance: Acceptance, places: list[Place]) -> Delivery:
    plans = {place: plan_raw(project, place, ABSENT) for place in places}
    accepted = {place: project.store.accepted(place) for place in places}
    if not any(sidecar and sidecar.verdict == "accepted" for sidecar in accepted.values()):
        for place, plan in plans.items():
            if project.store.sidecar(place, plan.recipe) is None:
                project.store.record(place, absent(project, plan))
        recipes = {place.name: plan.recipe for place, plan in plans.items()}
        acceptance = with_accepted(acceptance, WHOLE_DELIVERY, recipes)
    project.store.set_acceptance(source, wave, with_postponed(acceptance, []))
    return Delivery(source, wave, {}, frozenset(), [])


def _judged(project: Project, plan: Plan, path: Path) -> Sidecar:
    """The candidate, or its rejection where the program fails on it: the other sources go on."""
    try:
        return candidate(project, plan, path)
    except NotReadNow:
        raise
    except ANY as error:
        reason = verdict_on(error, project.settings.warehouse_folder)
        return plan.sidecar(problems=[f"{plan.place.name} {plan.place.wave}: {reason}"])


def _same_deliveries(project: Project, acceptance: Acceptance, plans: dict[Place, Plan]) -> bool:
    """Whether exactly these files were accepted before: then it is the contract that changed."""
    for place, plan in plans.items():
        accepted = project.store.accepted(place) if place.name in acceptance.tables else None
        if accepted is None or accepted.ingredients.get("delivery") != plan.ingredients["delivery"]:
            return False
    return True
