"""The claims of sql/checks about a delivery."""

from pipelines.making.ingredients import of_code, of_engine
from pipelines.making.judging import as_records, judge_claims, problems_of
from pipelines.making.seeing import accepted_inputs, places_read
from pipelines.project.project import Project
from pipelines.project.selects import Select
from pipelines.store import Place, Sidecar, digest
from pipelines.store.places import claims_place
from pipelines.store.recipe import Plan


def claims_about(project: Project, candidates: dict[Place, Sidecar]) -> dict[Place, Sidecar]:
    """The claims of sql/checks, which may look across the tables of a delivery: judged on all candidates together."""
    contents = {place: sidecar.content for place, sidecar in candidates.items() if sidecar.content}
    paths = {place: project.store.path(place, content) for place, content in contents.items()}
    claims = {}
    for place in candidates:
        ingredients = {check.name: digest(check.text) for check in project.checks.get(place.table, ())}
        if not ingredients:
            continue
        ingredients |= of_code("judging code", "making.judging") | of_engine(project)
        judged = claims_place(place)
        others = [read for check in project.checks[place.table] for read in _other_tables(project, place, check, candidates)]
        plan = Plan(judged, ingredients, contents | accepted_inputs(project, others))
        known = project.store.sidecar(judged, plan.recipe)
        if known is None:
            results = judge_claims(project, place, paths)
            known = plan.sidecar(problems=problems_of(place, results), results=as_records(results))
            project.store.record(judged, known)
        claims[judged] = known
    return claims


def _other_tables(project: Project, place: Place, check: Select, candidates: dict[Place, Sidecar]) -> list[Place]:
    """What a claim reads beside the delivery itself."""
    tables = [table for table in check.reads if table.startswith("raw.")]
    return [read for table in tables for read in places_read(project, place, table) if read not in candidates]
