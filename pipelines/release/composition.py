"""What a release is made of: the accepted reports, and the raw and core objects that they rest on."""

from collections.abc import Mapping

from pipelines.machine.errors import NotClosed
from pipelines.project.project import Project
from pipelines.project.respondents import CELLS
from pipelines.stages import plan
from pipelines.store import Place, Sidecar
from pipelines.store.places import WHOLE_DELIVERY
from pipelines.store.recipe import Plan


def compose(project: Project) -> dict[Place, Sidecar]:
    """Place -> sidecar of every object of the release; raises NotClosed where tables rest on older versions of one another.

    Reports come first; core and raw are those that the reports were made from, found in the sidecars. Where two reports rest
    on different versions (one of them is held back), the accepted version is taken.
    """
    require_closed(project)
    reached: dict[Place, set[str]] = {}
    composed: dict[Place, Sidecar] = {}
    for place in reversed(_places_in_order(project)):
        accepted = project.store.accepted(place)
        contents = reached.get(place, set())
        if len(contents) == 1:
            sidecar: Sidecar | None = project.store.sidecar_of_content(place, next(iter(contents)))
        else:
            sidecar = accepted
        if sidecar is None:
            continue
        composed[place] = sidecar
        for text, content in sidecar.inputs.items():
            reached.setdefault(Place.parse(text), set()).add(content)
    return dict(sorted(composed.items()))


def require_closed(project: Project) -> None:
    """Raise NotClosed, naming the most upstream table to materialise, unless every table is made from what is accepted now.

    A place may rest on older ingredients only where its candidate from the current ones was rejected, or could not be judged in
    the last night.
    """
    for place in _places_in_order(project):
        wanted = plan(project, place)
        acceptance = project.store.acceptance(place.source, place.wave)
        held_back = acceptance.rejections.get(WHOLE_DELIVERY if place.schema == "raw" else place.name)
        if held_back and (wanted is None or held_back.recipes.get(place.name) == wanted.recipe):
            continue
        if wanted is None and acceptance.postponed:
            continue
        accepted = project.store.accepted(place)
        if wanted is None or accepted is None:
            raise NotClosed(f"materialise {place.name} first: nothing of {place.source} {place.wave} has been made yet")
        if accepted.recipe != wanted.recipe and not (place.schema == "raw" and (held_back or acceptance.postponed)):
            raise NotClosed(f"materialise {place.name} first: {_what_changed(accepted, wanted)} has changed since")


def _places_in_order(project: Project) -> list[Place]:
    """All places, each after those it may be made from."""
    tables = [*project.tables("raw"), *(table for table in project.core_tables if table != CELLS), *project.report_tables]
    return [place for table in tables for place in project.places(table)]


def _what_changed(accepted: Sidecar, wanted: Plan) -> str:
    inputs = {str(place): content for place, content in wanted.inputs.items()}
    changed = _differences(accepted.inputs, inputs) or _differences(accepted.ingredients, wanted.ingredients)
    return ", ".join(changed)


def _differences(before: Mapping[str, str], after: Mapping[str, str]) -> list[str]:
    return sorted(name for name in before.keys() | after.keys() if before.get(name) != after.get(name))
