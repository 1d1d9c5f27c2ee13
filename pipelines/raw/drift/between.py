"""Which two objects are compared, and where the findings are kept: beside the object, because another one enters them.

The findings of a raw object are a sidecar at `drift/<table>/<source>/<wave>`. It remembers which delivery came before, so that
this comparison stands until another delivery is accepted.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, astuple, dataclass, replace
from importlib.metadata import version
from typing import Any

from pipelines.contracts.model import Contract
from pipelines.contracts.rules import UNIQUE_VALUES
from pipelines.machine.errors import MachineFault
from pipelines.making.engine import engine
from pipelines.making.faults import ANY, verdict_on
from pipelines.making.ingredients import of_code
from pipelines.project.project import Project
from pipelines.project.sources import SHARED_WAVE, Source
from pipelines.raw.drift.compare import Finding, Side, compare, not_applicable
from pipelines.raw.drift.counting import Samples, Variable
from pipelines.raw.drift.repeated import Ids, repeated_respondents
from pipelines.raw.identifiers import identifiers
from pipelines.store import Place, Sidecar, digest
from pipelines.store.acceptance import with_accepted
from pipelines.store.places import drift_place
from pipelines.store.recipe import Plan

PREVIOUS_DELIVERY = "previous delivery"
DRIFT = "drift"
"""The name under which a rejection would stand; drift rejects nothing."""

NOT_COMPARABLE = frozenset({"DATE", "TIMESTAMP"})

Row = dict[str, Any]


@dataclass(frozen=True)
class Comparison:
    """An earlier object, or the reason why there is none."""

    compared_with: str
    before: Sidecar | None
    reason: str = ""
    place: Place | None = None


def note_drift(project: Project, source: Source) -> list[str]:
    """Compare what is accepted of a source with what came before; nothing is counted twice.

    Returns what could not be compared, a line each: that is tried again next time and stops nothing.
    """
    failures, samples = [], Samples()
    for wave in source.waves:
        recipes = {}
        for table in source.waves[wave].tables:
            place = Place("raw", table, source.source, wave)
            accepted = project.store.accepted(place)
            if accepted is None or accepted.verdict != "accepted" or accepted.content is None:
                continue
            found = _drift(project, source, place, accepted, samples)
            recipes[drift_place(place).name] = found.recipe
            failures += [f"{place.name} {wave}: {problem}" for problem in found.problems]
        acceptance = project.store.acceptance(source.source, wave)
        project.store.set_acceptance(source.source, wave, with_accepted(acceptance, DRIFT, recipes))
    return failures


def drift_rows(project: Project, objects: Mapping[Place, Sidecar]) -> list[Row]:
    """The findings about these objects, as rows of meta.drift; those about an object that is not among them are left out."""
    rows = []
    for place, sidecar in objects.items():
        found = _noted(project, place) if place.schema == "raw" else None
        if found and found.inputs[str(place)] == sidecar.content:
            rows += found.results
    return rows


def accepted_drift(project: Project, table: str | None = None) -> list[Row]:
    """The findings about what is accepted now, of one raw table or of all."""
    tables = [table] if table else project.tables("raw")
    accepted = {place: sidecar for name in tables for place in project.places(name) if (sidecar := project.store.accepted(place))}
    return drift_rows(project, accepted)


def _noted(project: Project, place: Place) -> Sidecar | None:
    """The findings that stand; None where there are none, or where they were lost: then they are made again."""
    recipe = project.store.acceptance(place.source, place.wave).tables.get(drift_place(place).name)
    return project.store.sidecar(drift_place(place), recipe) if recipe else None


def _drift(project: Project, source: Source, place: Place, accepted: Sidecar, samples: Samples) -> Sidecar:
    wave_before = _wave_before(project, source, place)
    previous = _previous_content(project, place, accepted)
    variables = variables_of(project, source, place)
    inputs = {place: accepted.content or ""}
    if wave_before.before and wave_before.place:
        inputs[wave_before.place] = wave_before.before.content or ""
    earlier = _earlier_waves(project, source, place)
    inputs |= {
        comparison.place: comparison.before.content or "" for comparison in earlier if comparison.before and comparison.place
    }
    columns_before = wave_before.before.delivered_columns if wave_before.before else {}
    ingredients = {
        "delivery": accepted.ingredients["delivery"],
        PREVIOUS_DELIVERY: previous,
        "panel": str(source.panel),
        "wave before": digest([wave_before.compared_with, wave_before.reason]),
        "delivered columns": digest([accepted.delivered_columns, columns_before]),
        "contract": digest([astuple(variable) for variable in variables]),
        "thresholds": digest(project.study.drift.model_dump()),
        **of_code("code", "raw.drift.between"),
        "libraries": f"duckdb {version('duckdb')}",
    }
    judged = drift_place(place)
    plan = Plan(judged, ingredients, inputs)
    known = project.store.sidecar(judged, plan.recipe)
    if known and known.verdict == "accepted":
        return known
    results: list[Row] = []
    problems: list[str] = []
    for comparison in (wave_before, _previous_delivery(project, place, previous)):
        try:
            findings = _findings(project, place, accepted, comparison, variables, samples)
        except ANY as error:
            problems.append(f"could not be compared with {comparison.compared_with}: {_why(project, error)}")
            findings = [not_applicable(None, problems[-1])]
        results += [_row(place, comparison, finding) for finding in findings]
    try:
        repeated = _repeated(project, place, accepted, earlier)
    except ANY as error:
        problems.append(f"its respondents could not be looked for in earlier waves: {_why(project, error)}")
        repeated = [replace(not_applicable(None, problems[-1]), kind="respondents_repeated")] * len(earlier)
    results += [_row(place, comparison, finding) for comparison, finding in zip(earlier, repeated, strict=True)]
    sidecar = plan.sidecar(problems=problems, results=results)
    project.store.record(judged, sidecar)
    return sidecar


def _why(project: Project, error: BaseException) -> str:
    """Why two objects could not be compared. No delivery waits for a comparison, not even where the machine failed."""
    try:
        return verdict_on(error, project.settings.warehouse_folder)
    except MachineFault as fault:
        return str(fault)


def _findings(
    project: Project, place: Place, accepted: Sidecar, comparison: Comparison, variables: list[Variable], samples: Samples
) -> list[Finding]:
    if comparison.before is None:
        return [not_applicable(None, comparison.reason)]
    before = _side(project, comparison.place or place, comparison.before)
    with engine(project.settings, of_a_delivery=True) as connection:
        return compare(connection, before, _side(project, place, accepted), variables, project.study.drift, samples)


def _earlier_waves(project: Project, source: Source, place: Place) -> list[Comparison]:
    """The accepted earlier waves of a table about respondents, unless the waves are a panel or studies of their own."""
    if source.panel or not source.waves_follow_one_another:
        return []
    if place.wave == SHARED_WAVE or place.table not in identifiers(project, source.source):
        return []
    waves = [wave for wave in source.waves_of(place.table) if wave != SHARED_WAVE]
    places = [replace(place, wave=wave) for wave in waves[: waves.index(place.wave)]]
    accepted = [(before, project.store.accepted(before)) for before in places]
    return [
        Comparison(f"wave {before.wave}", sidecar, place=before)
        for before, sidecar in accepted
        if sidecar and sidecar.verdict == "accepted" and sidecar.content
    ]


def _repeated(project: Project, place: Place, accepted: Sidecar, earlier: Sequence[Comparison]) -> list[Finding]:
    if not earlier:
        return []
    column = identifiers(project, place.source)[place.table]
    rules = project.contracts[place.name].rules
    unique = {rule.rule_id for rule in rules if rule.expectation == UNIQUE_VALUES and rule.column == column}

    def ids(place: Place, sidecar: Sidecar) -> Ids:
        about_it = (result for result in sidecar.results if result["column"] == column)
        clean = {result["rule_id"] for result in about_it if result["status"] == "passed" and not result["n_failed"]}
        return Ids(project.store.path(place, sidecar.content or ""), column, are_unique=bool(unique & clean))

    of_waves = {found.place.wave: ids(found.place, found.before) for found in earlier if found.place and found.before}
    with engine(project.settings, of_a_delivery=True) as connection:
        return list(repeated_respondents(connection, of_waves, ids(place, accepted)).values())


def _side(project: Project, place: Place, sidecar: Sidecar) -> Side:
    return Side(project.store.path(place, sidecar.content or ""), sidecar.rows, sidecar.delivered_columns)


def _row(place: Place, comparison: Comparison, finding: Finding) -> Row:
    names = {"table_name": place.name, "source": place.source, "wave": place.wave, "compared_with": comparison.compared_with}
    found = asdict(finding)
    column = found.pop("column")
    return names | {"finding": f"{column or 'table'}.{finding.kind}", "column_name": column} | found


def _wave_before(project: Project, source: Source, place: Place) -> Comparison:
    waves = [wave for wave in source.waves_of(place.table) if wave != SHARED_WAVE]
    if place.wave not in waves:
        return Comparison("wave before", None, "all waves share this table")
    position = waves.index(place.wave)
    if position == 0:
        return Comparison("wave before", None, f"no earlier wave of {source.source} has this table")
    before = replace(place, wave=waves[position - 1])
    name = f"wave {before.wave}"
    if not source.waves_follow_one_another:
        return Comparison(name, None, f"the waves of {source.source} do not follow one another")
    accepted = project.store.accepted(before)
    if accepted is None or accepted.verdict != "accepted":
        return Comparison(name, None, "nothing of that wave is accepted")
    return Comparison(name, accepted, place=before)


def _previous_content(project: Project, place: Place, accepted: Sidecar) -> str:
    """Content of the delivery that the accepted one is compared with, or empty where none came before it.

    If another delivery with other content came since, that is what the standing findings are about; otherwise it is what they
    were compared with.
    """
    noted = _noted(project, place)
    if noted is None:
        return ""
    described = noted.inputs[str(place)]
    is_another = described != accepted.content and noted.ingredients["delivery"] != accepted.ingredients["delivery"]
    return described if is_another else noted.ingredients[PREVIOUS_DELIVERY]


def _previous_delivery(project: Project, place: Place, content: str) -> Comparison:
    if not content:
        return Comparison(PREVIOUS_DELIVERY, None, "no other delivery of this wave was accepted before")
    if not project.store.path(place, content).exists():
        return Comparison(PREVIOUS_DELIVERY, None, "the object of the previous delivery is no longer in the store")
    return Comparison(PREVIOUS_DELIVERY, project.store.sidecar_of_content(place, content), place=place)


def variables_of(project: Project, source: Source, place: Place) -> list[Variable]:
    """The columns that the contract has for this wave, with what it says of their codes.

    An identifier is what the source's tables have as a key: the respondent's number stands in tables of prescriptions too.
    """
    contract = project.contracts[place.name]
    keys = {column for table in source.tables for column in project.contracts[f"raw.{table}"].key}
    return list(_variables(contract, keys, source.design_columns.get(place.table, []), place.wave))


def _variables(contract: Contract, keys: Collection[str], design: Collection[str], wave: str) -> Iterator[Variable]:
    with_range = {rule.column for rule in contract.rules if "row_condition" in rule.kwargs}
    for column in contract.columns:
        if not column.is_asked_in(wave):
            continue
        left_out = None
        if column.name in keys or column.unique:
            left_out = "an identifier"
        elif column.name in design:
            left_out = "it belongs to the design of the sample"
        elif column.type in NOT_COMPARABLE:
            left_out = "a date, which moves by itself"
        codes = [
            code for code in (contract.codebook.codes if contract.codebook else ()) if code.variable == column.codebook_variable
        ]
        yield Variable(
            name=column.name,
            type=column.type,
            codes=tuple(code.received for code in codes),
            missing_codes=tuple(code.received for code in codes if code.kind_of_missing),
            is_coded=bool(codes) and column.name not in with_range,
            left_out=left_out,
        )
