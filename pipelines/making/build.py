"""Making the objects of core and report tables: have them made, judge, accept or keep the old one."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from pipelines.making.faults import ANY, verdict_on
from pipelines.making.judging import as_records, judge_claims, judge_contract, nothing_to_judge, problems_of
from pipelines.project.project import Project
from pipelines.store import Place, Sidecar
from pipelines.store.acceptance import Cause, with_accepted, with_rejection
from pipelines.store.recipe import Plan


@dataclass(frozen=True)
class Made:
    """An object that is in the store: its content and number of rows, the columns whose values an estimator has taken, and what
    it asked of all waves together."""

    content: str
    rows: int
    columns_read: list[str] = field(default_factory=list)
    of_all_waves: Mapping[str, str] = field(default_factory=dict)


KEPT = "it now reads a table of which nothing was ever accepted for this wave; what was made without it is kept until it comes"
"""What was made before is lost to no table that a source delivers one day."""

Maker = Callable[[Project, Plan], Made]


@dataclass(frozen=True)
class Built:
    """A sidecar, and whether its object had to be made now."""

    sidecar: Sidecar
    is_new: bool


def build(project: Project, plan: Plan, cause: Cause, make: Maker) -> Built:
    """Bring one core or report object up to date and accept it, or keep the accepted one and say why."""
    built = _known_or_made(project, plan, make)
    acceptance = project.store.acceptance(plan.place.source, plan.place.wave)
    if built.sidecar.verdict == "rejected":
        changed = with_rejection(acceptance, plan.place.name, cause, built.sidecar.problems, {plan.place.name: plan.recipe})
    else:
        changed = with_accepted(acceptance, plan.place.name, {plan.place.name: plan.recipe})
    project.store.set_acceptance(plan.place.source, plan.place.wave, changed)
    return built


def absent(project: Project, plan: Plan) -> Sidecar:
    """A typed object of zero rows, for what a source never delivered."""
    contract = project.contracts[plan.place.name]
    content, rows = project.store.write(plan.place, contract.arrow_schema().empty_table())
    results = nothing_to_judge(project, plan.place, f"no delivery of {plan.place.source} {plan.place.wave} was ever accepted")
    return plan.sidecar(content=content, rows=rows, verdict="not_applicable", results=as_records(results))


def _known_or_made(project: Project, plan: Plan, make: Maker) -> Built:
    if plan.is_absent and _has_rows(project, plan.place):
        return Built(_failed(plan, KEPT), is_new=False)
    known = project.store.sidecar(plan.place, plan.recipe)
    if known:
        return Built(known, is_new=False)
    sidecar = absent(project, plan) if plan.is_absent else _candidate(project, plan, make)
    project.store.record(plan.place, sidecar)
    return Built(sidecar, is_new=True)


def _has_rows(project: Project, place: Place) -> bool:
    accepted = project.store.accepted(place)
    return accepted is not None and accepted.verdict == "accepted" and accepted.rows > 0


def _candidate(project: Project, plan: Plan, make: Maker) -> Sidecar:
    place = plan.place
    try:
        made = make(project, plan)
        candidate = project.store.path(place, made.content)
        results = [*judge_contract(project, place, candidate), *judge_claims(project, place, {place: candidate})]
    except ANY as error:
        return _failed(plan, verdict_on(error, project.settings.warehouse_folder))
    problems = problems_of(place, results)
    return plan.sidecar(
        content=made.content,
        rows=made.rows,
        columns_read=made.columns_read,
        of_all_waves=dict(made.of_all_waves),
        problems=problems,
        results=as_records(results),
    )


def _failed(plan: Plan, reason: str) -> Sidecar:
    problem = f"{plan.place.name} {plan.place.wave}: {reason}"
    return plan.sidecar(problems=[problem])
