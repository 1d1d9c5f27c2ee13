"""Taking in a delivery: all tables of one source and wave are read, judged together, and accepted in one step or not at all."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pipelines.landing.finding import delivered_file, find_file, landed_digest, sign_of
from pipelines.landing.readers.delivered import NotReadNow, StillArriving
from pipelines.machine.disk import fault_of_the_machine, machine_fault, raise_if_full
from pipelines.machine.errors import MachineFault
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

OF_NO_DELIVERY = (NotReadNow, MachineFault, OSError, MemoryError)
"""What says nothing about a delivery: it is tried again."""


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
    is no failure: what was accepted stays, and a source that never delivered has typed tables of zero rows. What the machine
    failed on and what is still arriving is postponed: nothing is said against it.
    """
    acceptance = project.store.acceptance(source, wave)
    try:
        files = {place: find_file(project, place) for place in _places(project, source, wave)}
        if not any(files.values()):
            return _absent_delivery(project, source, wave, acceptance, list(files))
        read = _read(project, {place: path for place, path in files.items() if path}, reread=reread)
        if read.postponed:
            return _postponed(project, source, wave, acceptance, read.postponed)
        return _judge(project, source, wave, acceptance, files, read)
    except OF_NO_DELIVERY as error:
        return _postponed(project, source, wave, acceptance, [f"{source} {wave}: {_why_not_judged(project, error)}"])


@dataclass(frozen=True)
class _Read:
    """The files of a delivery, read one by one: their plans, their sidecars, those parsed now, and why some were not judged."""

    plans: dict[Place, Plan] = field(default_factory=dict)
    candidates: dict[Place, Sidecar] = field(default_factory=dict)
    parsed: set[Place] = field(default_factory=set)
    postponed: list[str] = field(default_factory=list)


def _read(project: Project, files: Mapping[Place, Path], *, reread: bool) -> _Read:
    """Read every file, or remember what was found in it; a file that has changed by the end is still arriving."""
    read = _Read()
    before = {path: sign_of(path) for path in files.values()}
    for place in parts(list(files)):
        path = files[place]
        try:
            plan = read.plans[place] = plan_raw(project, place, landed_digest(project, path))
            known = None if reread else _remembered(project, plan)
            if known is None:
                read.parsed.add(place)
                known = _judged(project, plan, path)
                project.store.record(place, known)
            read.candidates[place] = known
        except OF_NO_DELIVERY as error:
            read.postponed.append(f"{place.name} {place.wave}: {_why_not_judged(project, error)}")
    for place, path in files.items():
        if place in read.candidates and (not before[path] or sign_of(path) != before[path]):
            read.postponed.append(f"{place.name} {place.wave}: {StillArriving().of(path)}")
    return read


def _remembered(project: Project, plan: Plan) -> Sidecar | None:
    """What was found in a file before; nothing where it was refused for something else than what it is."""
    known = project.store.sidecar(plan.place, plan.recipe)
    return known if known and known.is_final else None


def _judge(
    project: Project, source: str, wave: str, acceptance: Acceptance, files: Mapping[Place, Path | None], read: _Read
) -> Delivery:
    """Accept all files of a delivery together, or none."""
    plans, candidates = read.plans, read.candidates
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
    return Delivery(source, wave, candidates, frozenset(read.parsed), found, by_table)


def _postponed(project: Project, source: str, wave: str, acceptance: Acceptance, reasons: list[str]) -> Delivery:
    """Leave everything as it was, and say why."""
    project.store.set_acceptance(source, wave, with_postponed(acceptance, reasons))
    return Delivery(source, wave, {}, frozenset(), [], postponed=reasons)


def _why_not_judged(project: Project, error: BaseException) -> str:
    """What kept a delivery from being judged, in words. Raises NoSpace where the disk is full: all sources wait for space."""
    raise_if_full(error, project.settings.warehouse_folder)
    if isinstance(error, (NotReadNow, MachineFault)):
        return str(error)
    said = error.strerror if isinstance(error, OSError) else None
    return str(machine_fault(fault_of_the_machine(error) or said or type(error).__name__))


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
