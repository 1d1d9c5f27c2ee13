"""The three stages together: whether the project fits what they can make, and what an object of any of them is made of."""

from collections.abc import Collection, Sequence

from pipelines.contracts.comparability import unjudged
from pipelines.core.plan import plan_cells, plan_core
from pipelines.machine.faults import known, listed, nearest
from pipelines.machine.settings import Settings
from pipelines.making.cells import CELL_COLUMNS
from pipelines.project.event_checks import event_problems
from pipelines.project.literature import PUBLISHED, TABLES
from pipelines.project.project import Project, refuse
from pipelines.project.respondents import CELLS
from pipelines.project.selects import ANSWERS, DECODED, columns_asked
from pipelines.project.shape import shape_problems
from pipelines.project.source_checks import source_problems
from pipelines.project.study_checks import study_problems
from pipelines.raw.plan import plan_raw
from pipelines.report.estimators import ESTIMATORS, EVENT_ESTIMATORS
from pipelines.report.plan import plan_report
from pipelines.report.register import FRAMES
from pipelines.store import Place, Store
from pipelines.store.recipe import Plan

BOUND = {"core": frozenset({"study.age_bands", "meta.this_wave"}), "report": frozenset({"study.age_bands"})}
"""What the selects of a schema may read beside tables and codebooks."""


def load_project(settings: Settings | None = None) -> Project:
    """Read and check the project; raises ConfigurationError that names the file to mend, and StoreDamaged where the store is of
    a newer version."""
    project = Project.read(settings or Settings())
    _check(project)
    Store(project.settings.warehouse_folder / "store").require_readable()
    return project


def plan(project: Project, place: Place) -> Plan | None:
    """The recipe that an accepted object would have today; None for a raw table of which nothing was ever taken in.

    For a raw table the delivery is the accepted one: a newer file in landing is news, not a contradiction.
    """
    if place.schema == "core":
        return plan_cells(project, place) if place.name == CELLS else plan_core(project, place)
    if place.schema == "report":
        return plan_report(project, place)
    accepted = project.store.accepted(place)
    return plan_raw(project, place, accepted.ingredients["delivery"]) if accepted else None


def _check(project: Project) -> None:
    problems = _check_core(project)
    delivered = {f"raw.{table}" for source in project.sources.values() for table in source.tables}
    problems += [f"contract {table} is named by no source" for table in project.tables("raw") if table not in delivered]
    problems += [
        f"{table} is neither estimated nor selected: add sql/report/{table.removeprefix('report.')}.sql"
        for table in project.tables("report")
        if table not in project.selects and table not in ESTIMATORS and table not in EVENT_ESTIMATORS
    ]
    problems += [
        f"{select.name} has no contract data_contracts/{name.split('/')[0].replace('.', '/')}.odcs.yaml"
        for name, select in [*project.selects.items(), *project.vocabularies.items()]
        if name.split("/")[0] not in project.contracts
    ]
    problems += [
        f"{select.name} is for source {name.split('/')[1]}, which has no file in data_contracts/sources"
        for name, select in project.selects.items()
        if name.startswith("core.") and name.split("/")[1] not in project.sources
    ]
    named = {contract.table for contract in project.contracts.values()}
    problems += [
        f"{check.name} is about no table that has a contract"
        for table in project.checks
        if table not in named
        for check in project.checks[table]
    ]
    problems += _check_evidence(project)
    problems += _check_cells(project)
    problems += _check_reads(project)
    problems += _check_waves(project)
    problems += shape_problems(project)
    problems += source_problems(project)
    problems += study_problems(project)
    problems += event_problems(project)
    refuse(problems or _check_comparability(project), project.settings)


def _check_evidence(project: Project) -> list[str]:
    """The tables about the literature are there where study.yaml has an `evidence`, and only there."""
    there = sorted(TABLES & project.contracts.keys())
    if project.evidence is None:
        return [
            f"{table} rests on a register of published estimates: add evidence to study.yaml (docs/evidence.md)"
            for table in there
        ]
    named = [name for name, source in project.sources.items() if source.source == PUBLISHED]
    return [f"{project.sources[name].file}: {PUBLISHED} is what the literature is called: rename the source" for name in named]


def _check_core(project: Project) -> list[str]:
    """A source has respondents, or, where it holds events, rows of another core table; a core table has some source."""
    respondents, problems = project.study.respondents, []
    tables = [table for table in project.tables("core") if table != CELLS]
    for source in project.sources.values():
        events = [table for table in tables if table != respondents and source.source in project.sources_of(table)]
        if source.holds_events:
            if f"{respondents}/{source.source}" in project.selects:
                problems.append(
                    f"{source.file} is of design {source.design}, which has no respondents: delete "
                    f"sql/core/{respondents.removeprefix('core.')}/{source.source}.sql, or give the source another design"
                )
            if not events:
                others = " or ".join(_select_of(table, source.source) for table in tables if table != respondents)
                problems.append(f"{source.source} has no select for a table of events: add {others or 'the table first'}")
        elif respondents in tables and f"{respondents}/{source.source}" not in project.selects:
            problems.append(
                f"{respondents} has no select for source {source.source}: add {_select_of(respondents, source.source)}"
            )
    problems += [
        f"{table} has no select for any source: add {_select_of(table, '<source>')}"
        for table in tables
        if table != respondents and not project.sources_of(table)
    ]
    return problems


def _select_of(table: str, source: str) -> str:
    return f"sql/core/{table.removeprefix('core.')}/{source}.sql"


def _check_cells(project: Project) -> list[str]:
    """Cells are made by us: a project may do without them, and has no others."""
    promised = project.contracts.get(CELLS)
    if promised is None or promised.column_types() == CELL_COLUMNS:
        return []
    return [
        "data_contracts/core/cells.odcs.yaml does not promise the columns that cells have: take the file that came with this "
        "version, or delete it, and report tables are estimated from the respondents"
    ]


def _check_reads(project: Project) -> list[str]:
    """What a select reads must be there: contracted tables, codebooks, and what is bound for a select of its kind."""
    tables = {name for name in project.released if not name.startswith("meta.")}
    coded = [contract.table for contract in project.contracts.values() if contract.codebook and contract.schema == "raw"]
    tables |= {f"{schema}.{table}" for table in coded for schema in ("codebook", "decoded")}
    of_literature = frozenset(FRAMES if project.evidence else ())
    bound = BOUND | {"report": BOUND["report"] | of_literature}
    readable = [
        (select, _read_for(project, name, tables) | bound[name.partition(".")[0]]) for name, select in project.selects.items()
    ]
    readable += [
        (select, {*BOUND["core"], f"{ANSWERS}{name.partition('.')[2]}"}) for name, select in project.vocabularies.items()
    ]
    readable += [(check, tables) for checks in project.checks.values() for check in checks]
    return [
        f"{select.name} reads {read}, which is no table that it can read" + (f"; did you mean {near}?" if near else "")
        for select, there in readable
        for read in _as_written(select.reads)
        if read not in there
        for near in [nearest(read, [table for table in there if table.partition(".")[0] == read.partition(".")[0].casefold()])]
    ]


def _read_for(project: Project, name: str, tables: Collection[str]) -> set[str]:
    """What a select can read of the tables: one of a source (`core.x/<source>`) reads what that delivers, and codebooks."""
    source = project.sources.get(name.partition("/")[2])
    if source is None:
        return set(tables)
    own = {f"{schema}.{table}" for table in source.tables for schema in ("raw", "decoded")}
    return {table for table in tables if table in own or table.startswith("codebook.")}


def _as_written(reads: Sequence[str]) -> list[str]:
    """Who reads `decoded.x` reads `raw.x` and `codebook.x` as well, and has not written that."""
    decoded = {read.removeprefix(DECODED) for read in reads if read.startswith(DECODED)}
    return [read for read in reads if read.partition(".")[2] not in decoded or read.startswith(DECODED)]


def _check_waves(project: Project) -> list[str]:
    columns: dict[tuple[str, str], list[str]] = {}
    for source in project.sources.values():
        for table in source.tables:
            contract = project.contracts.get(f"raw.{table}")
            for column in contract.columns if contract else ():
                for wave in [wave for wave in column.waves or () if wave not in source.waves]:
                    columns.setdefault((source.source, wave), []).append(f"{table}.{column.name}")
    return [
        f"{project.sources[source].file} has no wave {wave}, which contracts name as one that was asked: "
        f"{listed(names)}; {known(project.sources[source].waves, wave)}"
        for (source, wave), names in columns.items()
    ]


def _check_comparability(project: Project) -> list[str]:
    """Waves are pooled: of every variable that the study names and the source asks, it must be said whether they may be."""
    study = project.study
    problems = []
    for source in project.sources.values():
        verdicts = project.comparability_of(source)
        select = project.selects.get(f"{study.respondents}/{source.source}")
        asked = columns_asked(select, project.vocabularies.get(study.respondents)) if select else set()
        variables = [name for name in study.variables if name in asked]
        between: dict[tuple[str, str], list[str]] = {}
        for variable, one, other in unjudged(verdicts, source.source, source.study_waves, variables):
            between.setdefault((one, other), []).append(variable)
        problems += [
            f"add a comparability verdict on {', '.join(named)} of {source.source} between {one} and {other} to {source.file}"
            for (one, other), named in between.items()
        ]
    return problems
