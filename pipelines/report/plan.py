"""What the rows of a report table are made of."""

from pipelines.machine.code import libraries
from pipelines.making.ingredients import of_code, of_contract, of_study
from pipelines.making.seeing import accepted_inputs, places_of, places_read, raw_place
from pipelines.making.selecting import ENGINE_LIBRARIES
from pipelines.project.events import section_of
from pipelines.project.literature import PUBLISHED
from pipelines.project.project import Project
from pipelines.project.selects import tables_of_rows
from pipelines.project.sources import Source
from pipelines.report.estimators import COUNTING_RECORDS, ESTIMATORS, EVENT_ESTIMATORS, SETTINGS_NOT_READ, Received
from pipelines.report.register import digests_read
from pipelines.store import Place, digest
from pipelines.store.recipe import Plan

MAKES_CELLS = "core.cells"
"""The module whose cells an estimator may read in the place of respondents. What is in them follows from the respondents."""

ESTIMATE_LIBRARIES = ("duckdb", "great-expectations", "numpy", "polars", "pyarrow", "scipy")


def plan_report(project: Project, place: Place) -> Plan:
    """The rows of one source in a report table, by its select or by its estimator; those of the literature by its select."""
    select = project.selects.get(place.name)
    reads = [read for table in project.reads(place.name) for read in places_read(project, place, table)]
    inputs = accepted_inputs(project, reads)
    common = of_contract(project, place)
    if select:
        made_by = {
            select.name: digest(select.text),
            **digests_read(project, select.reads),
            **of_code("engine code", "report.by_select", "project.study"),
            "libraries": libraries(ENGINE_LIBRARIES),
        }
    elif place.name in EVENT_ESTIMATORS:
        source = project.sources[place.source]
        made_by = {
            **of_study(project, sections_read(place.name)),
            "drug classes": digest(_drug_classes(project)),
            "source": digest([source.source, source.study_waves, source.is_synthetic]),
            **of_code("estimator code", "report.estimated", _module_of(place.name)),
            "libraries": libraries(ESTIMATE_LIBRARIES),
        }
    else:
        source = project.sources[place.source]
        not_read = SETTINGS_NOT_READ[place.name]
        standard = project.standard_population.groups
        made_by = {
            **of_study(project, set(project.study.of_estimates()) - not_read),
            **({} if "standardisation" in not_read else {"standard population": digest(standard.to_dicts())}),
            "source": digest(
                [
                    source.design,
                    source.components,
                    source.matched_on,
                    source.case_definition,
                    source.top_codes(),
                    source.lonely_psu,
                    source.psus_nested,
                    source.panel,
                    *source.further_design,
                ]
            ),
            "waves": digest(source.study_waves),
            "comparability": digest([verdict.model_dump() for verdict in project.comparability_of(source)]),
            **({"records received": _records_received(project, source)} if place.name in COUNTING_RECORDS else {}),
            **of_code("estimator code", "report.estimated", MAKES_CELLS, _module_of(place.name)),
            "libraries": libraries(ESTIMATE_LIBRARIES),
        }
    return Plan(place, common | made_by, inputs, is_absent=not inputs and place.source != PUBLISHED)


def sections_read(table: str) -> set[str]:
    """The sections of study.yaml that the estimator of a table of events is given."""
    section = section_of(table)
    return {"confidence_level"} | ({section} if section else set())


def _drug_classes(project: Project) -> dict[str, tuple[str, ...]]:
    """Class -> codes, of the version that the study names."""
    settings = project.study.sequence_symmetry
    return {name: found.codes for name, found in project.drug_classes[settings.drug_classes].items()} if settings else {}


def _module_of(table: str) -> str:
    """Where the very estimator of a table is written."""
    estimator = EVENT_ESTIMATORS.get(table) or ESTIMATORS[table]
    return estimator.__module__.removeprefix("pipelines.")


def records_received(project: Project, source: Source) -> dict[str, Received]:
    """Wave -> the records that its accepted respondents were harmonised from, and those set aside beside them.

    They are told by the raw objects that the respondents rest on: equal objects may stem from deliveries that had different
    records set aside, so the counts are ingredients of their own. Counted are tables whose rows become respondents, not those
    that are joined to them.
    """
    tables = tables_of_rows(project.selects[f"{project.study.respondents}/{source.source}"].text)
    received = {}
    for place in places_of(project, project.study.respondents, source):
        respondents = project.store.accepted(place)
        inputs = respondents.inputs if respondents else {}
        raw = [raw_place(source, table, place.wave) for table in tables if table.startswith("raw.")]
        delivered = [project.store.sidecar_of_content(read, inputs[str(read)]) for read in raw if str(read) in inputs]
        if delivered:
            n_set_aside = sum(sidecar.n_rejected_rows for sidecar in delivered)
            received[place.wave] = Received(sum(sidecar.rows for sidecar in delivered) + n_set_aside, n_set_aside)
    return received


def _records_received(project: Project, source: Source) -> str:
    """As a hash: manifests hold ingredients, and must count no records of a restricted source."""
    return digest(
        {wave: [counted.n_received, counted.n_set_aside] for wave, counted in records_received(project, source).items()}
    )
