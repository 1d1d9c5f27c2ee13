"""The project as it stands on disk: study, sources, contracts and selects, checked against one another.

This module only assembles. What an object is made of stands in plan.py, how it is made in build.py.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from graphlib import TopologicalSorter

from pipelines.contracts.comparability import Comparability, contradictions, unjudged
from pipelines.contracts.model import Contract, load_contracts
from pipelines.machine.errors import ConfigurationError
from pipelines.machine.settings import Settings
from pipelines.project.respondents import REASON
from pipelines.project.selects import Select, columns_returned, load_checks, load_selects
from pipelines.project.sources import SHARED_WAVE, Source, load_sources
from pipelines.project.standards import StandardPopulation, load_standard_populations
from pipelines.project.study import Study, load_study
from pipelines.report.estimators import ESTIMATORS
from pipelines.store import Place, Store

BOUND_FOR_SELECTS = frozenset({"study.age_bands", "meta.this_wave"})
"""What a harmonising select may read beside tables and codebooks."""

NUMBERS = frozenset({"TINYINT", "SMALLINT", "INTEGER", "BIGINT", "FLOAT", "DOUBLE"})
"""Types of columns that have a mean."""


@dataclass(frozen=True)
class Project:
    """Everything that decides what the warehouse holds."""

    settings: Settings
    study: Study
    sources: Mapping[str, Source]
    contracts: Mapping[str, Contract]
    standard_population: StandardPopulation
    selects: Mapping[str, Select]
    checks: Mapping[str, tuple[Select, ...]]

    @classmethod
    def load(cls, settings: Settings | None = None) -> "Project":
        """Read and check the project; raises ConfigurationError that names the file to mend."""
        project = cls.read(settings or Settings())
        _check(project)
        return project

    @classmethod
    def read(cls, settings: Settings) -> "Project":
        """The project with its parts not checked against one another, for work on a table that has no select yet."""
        study = load_study(settings.project / "study.yaml")
        standards = load_standard_populations(settings.data_contracts / "standard_populations.csv")
        wanted = study.standardisation.standard_population
        if wanted not in standards:
            raise ConfigurationError(f"study.yaml names standard population {wanted}; there are: {', '.join(standards)}")
        return cls(
            settings=settings,
            study=study,
            standard_population=standards[wanted],
            sources=load_sources(settings.data_contracts / "sources"),
            contracts=load_contracts(settings.data_contracts),
            selects=load_selects(settings.sql),
            checks=load_checks(settings.sql / "checks"),
        )

    @cached_property
    def store(self) -> Store:
        return Store(self.settings.warehouse_folder / "store")

    @cached_property
    def core_tables(self) -> list[str]:
        return self._in_order("core")

    @cached_property
    def report_tables(self) -> list[str]:
        return self._in_order("report")

    def raw_source(self, table: str) -> Source:
        """The source that delivers a raw table."""
        return next(source for source in self.sources.values() if table.removeprefix("raw.") in source.tables)

    def reads(self, table: str) -> list[str]:
        """The tables that a core or report table is made from, over all sources."""
        if table in self.selects:
            return list(self.selects[table].reads)
        if table.startswith("core."):
            return sorted({read for source in self.sources for read in self.selects[f"{table}/{source}"].reads})
        return [self.study.respondents]

    def places(self, table: str) -> list[Place]:
        """Where the accepted objects of a table are: one a source and wave, for report tables one a source."""
        schema, name = table.split(".")
        if schema == "raw":
            source = self.raw_source(table)
            return [Place(schema, name, source.source, wave) for wave in source.waves_of(name)]
        if schema == "core":
            return [Place(schema, name, source.source, wave) for source in self.sources.values() for wave in source.study_waves]
        return [Place(schema, name, source, SHARED_WAVE) for source in self.sources]

    def comparability_of(self, source: Source) -> list[Comparability]:
        """The verdicts on the waves of a source: those in the contract of the respondents, then those in the source's file."""
        judged = [verdict for verdict in self.contracts[self.study.respondents].comparability if verdict.source == source.source]
        return [*judged, *source.verdicts]

    def tables(self, schema: str) -> list[str]:
        return [name for name, contract in self.contracts.items() if contract.schema == schema]

    def _in_order(self, schema: str) -> list[str]:
        """The tables of a schema, each after those it reads."""
        tables = self.tables(schema)
        graph = {table: [read for read in self.reads(table) if read in tables] for table in sorted(tables)}
        return list(TopologicalSorter(graph).static_order())


def _check(project: Project) -> None:
    problems = []
    for source in project.sources.values():
        problems += [
            f"sources/{source.source}.yaml names table {table}, which has no contract data_contracts/raw/{table}.odcs.yaml"
            for table in source.tables
            if f"raw.{table}" not in project.contracts
        ]
        problems += [
            f"{table} has no select for source {source.source}: add sql/core/{table.removeprefix('core.')}/{source.source}.sql"
            for table in project.tables("core")
            if f"{table}/{source.source}" not in project.selects
        ]
    delivered = {f"raw.{table}" for source in project.sources.values() for table in source.tables}
    problems += [f"contract {table} is named by no source" for table in project.tables("raw") if table not in delivered]
    problems += [
        f"{table} is neither estimated nor selected: add sql/report/{table.removeprefix('report.')}.sql"
        for table in project.tables("report")
        if table not in project.selects and table not in ESTIMATORS
    ]
    problems += [
        f"{select.name} has no contract data_contracts/{name.split('/')[0].replace('.', '/')}.odcs.yaml"
        for name, select in project.selects.items()
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
    problems += _check_reads(project)
    problems += _check_waves(project)
    problems += _check_study(project)
    if problems:
        raise ConfigurationError("the project does not fit together:\n- " + "\n- ".join(problems))


def _check_reads(project: Project) -> list[str]:
    """What a select reads must be there: contracted tables, codebooks, and what the engine binds for it."""
    readable = {name for name in project.contracts if not name.startswith("meta.")} | BOUND_FOR_SELECTS
    readable |= {f"codebook.{contract.table}" for contract in project.contracts.values() if contract.codebook}
    selects = [*project.selects.values(), *(check for checks in project.checks.values() for check in checks)]
    return [
        f"{select.name} reads {read}, which is no table" for select in selects for read in select.reads if read not in readable
    ]


def _check_waves(project: Project) -> list[str]:
    return [
        f"contract raw.{table}: column {column.name} names wave {wave}, which {source.source} does not have"
        for source in project.sources.values()
        for table in source.tables
        if f"raw.{table}" in project.contracts
        for column in project.contracts[f"raw.{table}"].columns
        for wave in column.waves or ()
        if wave not in source.waves
    ]


def _check_study(project: Project) -> list[str]:
    study = project.study
    if study.respondents not in project.contracts:
        return [f"study.yaml: respondents names {study.respondents}, which has no contract"]
    columns = project.contracts[study.respondents].column_types()
    named = [("study.yaml", column) for column in study.variables]
    named += [(f"sources/{name}.yaml", column) for name, source in project.sources.items() for column in source.variables]
    unknown = [
        f"{file} names {column}, which is no column of {study.respondents}" for file, column in named if column not in columns
    ]
    no_numbers = [
        f"study.yaml: characteristics.continuous names {column}, which is {columns[column]} in {study.respondents} and no number"
        for column in study.characteristics.continuous
        if column in columns and columns[column] not in NUMBERS
    ]
    no_reasons = [
        f"{study.respondents} has no column {outcome}{REASON}, which says why {outcome} of study.yaml is unanswered"
        for outcome in study.outcomes
        if outcome in columns and f"{outcome}{REASON}" not in columns
    ]
    return unknown + no_numbers + no_reasons or _check_comparability(project)


def _check_comparability(project: Project) -> list[str]:
    """Waves are pooled: of every variable that the study names and the source asks, it must be said whether they may be."""
    study = project.study
    problems = []
    for source in project.sources.values():
        file = f"sources/{source.source}.yaml"
        verdicts = project.comparability_of(source)
        problems += [
            f"{file}: comparability: {problem}"
            for problem in contradictions(verdicts, project.contracts[study.respondents].column_types())
        ]
        select = project.selects.get(f"{study.respondents}/{source.source}")
        asked = columns_returned(select.text) if select else []
        variables = [name for name in study.variables if name in asked]
        problems += [
            f"add a comparability verdict on {variable} of {source.source} between {one} and {other} to {file}"
            for variable, one, other in unjudged(verdicts, source.source, source.study_waves, variables)
        ]
    return problems
