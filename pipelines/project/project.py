"""The project as it stands on disk: study, sources, contracts and selects.

This module only assembles. Whether its parts fit together, and what an object is made of, is told by the stages.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from graphlib import TopologicalSorter

from pipelines.contracts.comparability import Comparability
from pipelines.contracts.model import Contract, load_contracts
from pipelines.machine.errors import ConfigurationError, attempt
from pipelines.machine.settings import Settings
from pipelines.project.drug_classes import DrugClasses, load_drug_classes
from pipelines.project.evidence import Evidence, load_evidence
from pipelines.project.implied import with_reasons, with_vocabularies
from pipelines.project.literature import OF_THE_LITERATURE, PUBLISHED
from pipelines.project.respondents import CELLS
from pipelines.project.selects import Select, load_checks, load_selects, load_vocabularies
from pipelines.project.sources import SHARED_WAVE, Source, load_sources
from pipelines.project.standards import StandardPopulation, load_standard_populations
from pipelines.project.study import Study, load_study
from pipelines.project.study_checks import standard_problems
from pipelines.store import Place, Store


@dataclass(frozen=True)
class Project:
    """Everything that decides what the warehouse holds."""

    settings: Settings
    study: Study
    sources: Mapping[str, Source]
    contracts: Mapping[str, Contract]
    standard_population: StandardPopulation
    selects: Mapping[str, Select]
    vocabularies: Mapping[str, Select]
    checks: Mapping[str, tuple[Select, ...]]
    evidence: Evidence | None = None
    drug_classes: Mapping[str, DrugClasses] = field(default_factory=dict)

    @classmethod
    def read(cls, settings: Settings) -> "Project":
        """The project with its parts not checked against one another, for work on a table that has no select yet.

        Raises ConfigurationError with everything that is wrong with any of them.
        """
        problems: list[str] = []
        study = attempt(problems, load_study, settings.project / "study.yaml")
        standards = attempt(problems, load_standard_populations, settings.data_contracts / "standard_populations.csv")
        sources = attempt(problems, load_sources, settings.data_contracts / "sources")
        contracts = attempt(problems, load_contracts, settings.data_contracts)
        selects = attempt(problems, load_selects, settings.sql)
        vocabularies = attempt(problems, load_vocabularies, settings.sql)
        checks = attempt(problems, load_checks, settings.sql / "checks")
        has_evidence = study is not None and study.evidence is not None
        evidence = attempt(problems, load_evidence, settings.data_contracts / "evidence") if has_evidence else None
        drug_classes = attempt(problems, load_drug_classes, settings.data_contracts / "drug_classes.csv")
        if not problems:
            vocabularies, checks = with_vocabularies(contracts, vocabularies), with_reasons(contracts, checks)
            problems += standard_problems(settings.project / "study.yaml", study, standards)
        refuse(problems, settings)
        wanted = study.standardisation.standard_population
        return cls(
            settings,
            study,
            sources,
            contracts,
            standards[wanted],
            selects,
            vocabularies,
            checks,
            evidence,
            drug_classes,
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

    @property
    def released(self) -> dict[str, Contract]:
        """The contracts of the tables that a release holds."""
        return {name: contract for name, contract in self.contracts.items() if name != CELLS}

    @property
    def has_respondents(self) -> bool:
        """Whether the table that the study names has a contract of core."""
        return self.study.respondents in self.tables("core")

    def raw_source(self, table: str) -> Source:
        """The source that delivers a raw table."""
        return next(source for source in self.sources.values() if table.removeprefix("raw.") in source.tables)

    def reads(self, table: str) -> list[str]:
        """The tables that a core or report table is made from, over all sources."""
        if table in self.selects:
            return list(self.selects[table].reads)
        if table == CELLS:
            return [self.study.respondents]
        if table.startswith("core."):
            return sorted({read for source in self.sources_of(table) for read in self.selects[f"{table}/{source}"].reads})
        made_from = self.study.table_of(table)
        return [made_from] if made_from else []

    def sources_of(self, table: str) -> list[str]:
        """The sources that a core or report table holds something of: those with a select for it, or of what it is made from."""
        if table == CELLS:
            return [source for source in self.sources_of(self.study.respondents) if self.sources[source].can_be_added_up]
        if table.startswith("core."):
            return [source for source in self.sources if f"{table}/{source}" in self.selects]
        reads = [read for read in self.reads(table) if read.startswith(("raw.", "core.", "report."))]
        delivered = {self.raw_source(read).source for read in reads if read.startswith("raw.")}
        made = {source for read in reads if not read.startswith("raw.") for source in self.sources_of(read)}
        return [source for source in self.sources if source in delivered | made or (table in self.selects and not reads)]

    def places(self, table: str) -> list[Place]:
        """Where the accepted objects of a table are: one a source and wave, for report tables one a source, or one in all for
        those of the literature."""
        schema, name = table.split(".")
        if table in OF_THE_LITERATURE:
            return [Place(schema, name, PUBLISHED, SHARED_WAVE)]
        if schema == "raw":
            source = self.raw_source(table)
            return [Place(schema, name, source.source, wave) for wave in source.waves_of(name)]
        if schema == "core":
            sources = [self.sources[source] for source in self.sources_of(table)]
            return [Place(schema, name, source.source, wave) for source in sources for wave in source.study_waves]
        return [Place(schema, name, source, SHARED_WAVE) for source in self.sources_of(table)]

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


def refuse(problems: Sequence[str], settings: Settings) -> None:
    """Raise ConfigurationError with the problems, if there are any, their files as seen from the project's folder."""
    if problems:
        raise ConfigurationError([problem.removeprefix(f"{settings.project}/") for problem in dict.fromkeys(problems)])
