"""What the report page says: read from the public database of a release, in the order in which it is read."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import duckdb
import polars as pl

from pipelines.project.project import Project
from pipelines.project.respondents import ALL
from pipelines.project.sources import Source
from pipelines.raw.drift.words import in_words
from pipelines.release.figures.forest import forest_figure
from pipelines.release.figures.prevalence import prevalence_figure
from pipelines.release.formatting import SYNTHETIC, Row
from pipelines.release.page import events, evidence, people, quality, syntheses, tables
from pipelines.release.page.about import Statement, not_concluded, statements_of
from pipelines.release.page.answer import Answer, answer_of
from pipelines.release.page.checklist import checklist_table, places_of
from pipelines.release.page.display import DisplayTable
from pipelines.release.page.labels import Labels, best_of_waves, text_in_words
from pipelines.release.page.parts import Drawing, EventsPart, Table
from pipelines.release.page.sections import Sections, Undrawn
from pipelines.release.page.variables import variables_table
from pipelines.release.wording import authors_of, cite, cite_sources

MOST_CELLS = 20_000
"""Cells of tables that a page holds at most: some two hundred printed pages. The other tables are in the files beside it."""


@dataclass(frozen=True)
class OutcomePart:
    """One outcome of one source: figures beside their tables, drawn when asked for. Each population has figures of its own, and
    its odds ratios have a table a family of p-values."""

    label: str
    characteristics: Sequence[Table]
    prevalence: tuple[Sequence[Drawing], Table] | None
    odds_ratios: Sequence[tuple[Drawing, Sequence[Table]]]

    @property
    def sections(self) -> list[Table]:
        """Its tables, and what stands in the place of one."""
        prevalence = [self.prevalence[1]] if self.prevalence else []
        return [*self.characteristics, *prevalence, *(table for _, of_population in self.odds_ratios for table in of_population)]


@dataclass(frozen=True)
class SourcePart:
    """What a release says of one source. `answer` is the first thing to know."""

    source: Source
    answer: Answer | Undrawn | None
    first_tables: Sequence[Table]
    outcomes: Sequence[OutcomePart | Undrawn]
    other_tables: Sequence[Table]
    events: Sequence[EventsPart] = ()

    @property
    def sections(self) -> list[Table]:
        of_outcomes = [table for outcome in self.outcomes for table in _sections_of(outcome)]
        of_events = [table for part in self.events for table in part.tables]
        return [*self.first_tables, *of_outcomes, *of_events, *self.other_tables]


@dataclass(frozen=True)
class Content:
    """The page, part by part. `not_shown` are (reason, how many numbers, how many of these are synthetic); `rejected` are
    deliveries that are held back; `hidden` are restricted sources that were delivered, and of which no row is public.

    `sections` has drawn them and notes which could not be drawn.
    """

    study: str
    release_id: str
    published_on: str
    compared_with: str | None
    sources: Sequence[SourcePart | Undrawn]
    absent: Sequence[Source]
    hidden: Sequence[Source]
    rejected: Sequence[Row]
    not_shown: Sequence[tuple[str, int, int]] | Undrawn
    not_concluded: Sequence[str]
    statements: Sequence[Statement] | Undrawn
    variables: Table
    checklist: Table
    syntheses: Sequence[tuple[str, Drawing]]
    literature: Sequence[Table]
    quality: Table
    changes: Sequence[DisplayTable] | Undrawn
    drift: Sequence[str] | Undrawn
    citation: Sequence[str] | Undrawn
    sections: Sections

    @property
    def opening(self) -> list[SourcePart]:
        """The sources whose answer the page opens with."""
        return _opening(self.sources)

    @property
    def answer_in_words(self) -> list[str]:
        """What the page opens with as paragraphs, one an outcome of a source."""
        answers = [part.answer for part in self.opening if isinstance(part.answer, Answer)]
        return [
            f"{answer.source.title}{f' ({SYNTHETIC})' if answer.source.is_synthetic else ''}. {outcome.label}. "
            f"{' '.join(outcome.sentences)}"
            for answer in answers
            for outcome in answer.outcomes
        ]

    @property
    def statements_in_words(self) -> list[str]:
        """What is said on each thing that a reviewer asks for, one paragraph each."""
        statements = [] if isinstance(self.statements, Undrawn) else self.statements
        return [f"{statement.term}. {' '.join(statement.in_words)}" for statement in statements]

    @property
    def about(self) -> str:
        """The sources that the release says something of."""
        drawn = [part.source for part in self.sources if isinstance(part, SourcePart)]
        named = [source.title + (f" ({SYNTHETIC})" if source.is_synthetic else "") for source in drawn]
        return "; ".join(named) or "no source has been delivered"

    @property
    def title(self) -> str:
        """What the page calls itself outside of itself."""
        return f"{self.study} – {self.about}"

    @property
    def tables(self) -> list[DisplayTable]:
        """Every table that could be drawn, in the order of the page."""
        return _drawn([*self._of_sources, self.variables, *self.literature, self.quality, *self._changes, self.checklist])

    @property
    def _of_sources(self) -> list[Table]:
        return [table for part in self.sources for table in _sections_of(part)]

    @property
    def _changes(self) -> Sequence[DisplayTable]:
        return [] if isinstance(self.changes, Undrawn) else self.changes

    @cached_property
    def on_page(self) -> frozenset[str]:
        """Names of the tables that the page holds: what tells of the release itself, and then as many as there is room for."""
        room, names = MOST_CELLS, [Undrawn.name]
        for table in _drawn([self.quality, *self._changes, self.checklist, self.variables, *self.literature, *self._of_sources]):
            cells = len(table.rows) * len(table.columns)
            if cells <= room:
                room -= cells
                names.append(table.name)
        return frozenset(names)


def _opening(sources: Sequence[SourcePart | Undrawn]) -> list[SourcePart]:
    """The real sources that have an answer, or the synthetic ones where none is real."""
    answering = [part for part in sources if isinstance(part, SourcePart) and part.answer is not None]
    real = [part for part in answering if not part.source.is_synthetic]
    return real or answering


def _sections_of(part: SourcePart | OutcomePart | Undrawn) -> list[Table]:
    return [part] if isinstance(part, Undrawn) else part.sections


def _drawn(sections: Sequence[Table]) -> list[DisplayTable]:
    return [table for table in sections if isinstance(table, DisplayTable)]


@dataclass(frozen=True)
class Held:
    """What a release holds: rows by report table, and rows and frames of meta tables."""

    reports: Mapping[str, Sequence[Row]]
    deliveries: Sequence[Row]
    checks: Sequence[Row]
    comparability: Sequence[Row]
    changes: pl.DataFrame
    sources: pl.DataFrame
    drift: Sequence[Row] = ()


def read_content(project: Project, database: Path, manifest: Mapping[str, Any]) -> Content:
    """What the page says, from the public database of a release."""
    with duckdb.connect(str(database), read_only=True) as connection:
        held = Held(
            reports={name: _rows(connection, f"from {name}") for name in project.report_tables},
            deliveries=_rows(
                connection, "select * exclude (accepted_at, rejected_at) from meta.deliveries order by source, wave"
            ),
            checks=_rows(connection, CHECKS),
            comparability=_rows(connection, "from meta.comparability"),
            changes=connection.sql("from meta.release_changes").pl(),
            sources=connection.sql("from meta.sources").pl(),
            drift=_rows(connection, "from meta.drift"),
        )
    return content_of(project, held, manifest)


def content_of(project: Project, held: Held, manifest: Mapping[str, Any]) -> Content:
    """What the page says of what a release holds; real sources come before synthetic ones."""
    described = held.sources.sort("is_synthetic", "source")
    reported = {row["source"] for rows in held.reports.values() for row in rows}
    with_rows = [name for name in described["source"] if name in reported]
    without_rows = [name for name in described["source"] if name not in reported]
    delivered = {row["source"] for row in held.deliveries if row["verdict"] == "accepted" or row["is_stale"]}
    hidden = [name for name in without_rows if project.sources[name].is_restricted and name in delivered]
    published_on = str(manifest["published_at"])[:10]
    sections = Sections(project.settings.warehouse_folder)
    draw = partial(_source_part, project)
    parts = [sections.draw(project.sources[name].title, name, partial(draw, name, held, sections)) for name in with_rows]
    opening = [part.source for part in _opening(parts)]
    ratios = held.reports.get("report.odds_ratios", ())
    statements = sections.draw("About the study", None, lambda: statements_of(project.study, _labels(project, with_rows), ratios))
    variables = sections.draw("Variables", None, lambda: variables_table(project, next(iter(_labels(project, with_rows)), None)))
    literature = list(_literature(project, held.reports, sections))
    tables = _drawn([*(table for part in parts for table in _sections_of(part)), variables])
    places = places_of(tables, statements, bool(opening), literature)
    return Content(
        study=project.study.title,
        release_id=manifest["release_id"],
        published_on=published_on,
        compared_with=manifest["compared_with"],
        sources=parts,
        not_concluded=not_concluded(project.study, opening, ratios) if opening else [],
        absent=[project.sources[name] for name in without_rows if name not in hidden],
        hidden=[project.sources[name] for name in hidden],
        rejected=[row for row in held.deliveries if row["verdict"] == "rejected"],
        not_shown=sections.draw("What is not shown", None, lambda: _not_shown(project, held.reports)),
        statements=statements,
        variables=variables,
        checklist=sections.draw("Checklists", None, partial(checklist_table, places)),
        syntheses=syntheses.synthesis_drawings(*_pooled(held.reports)),
        literature=literature,
        quality=sections.draw(
            "Data quality", None, lambda: quality.quality_table(held.deliveries, held.checks, project.sources, held.reports)
        ),
        changes=sections.draw(
            "What changed", None, lambda: quality.changes_tables(held.changes, project) if held.changes.height else []
        ),
        drift=sections.draw("Drift", None, lambda: in_words(held.drift)),
        citation=sections.draw(
            "Sources, and how to cite",
            None,
            lambda: [
                cite(project.study.title, manifest["release_id"], published_on, authors_of(project.study.publication)),
                *cite_sources(described.filter(pl.col("source").is_in(with_rows))),
            ],
        ),
        sections=sections,
    )


CHECKS = """
select
  source,
  wave,
  count(*) filter (where status = 'passed') as passed,
  count(*) filter (where status in ('failed', 'error')) as not_passed
from meta.check_results
group by source, wave
"""


def _rows(connection: duckdb.DuckDBPyConnection, query: str) -> list[Row]:
    return list(connection.sql(query).pl().to_dicts())


def _only(rows: Sequence[Row], source: str) -> list[Row]:
    return [row for row in rows if row.get("source") == source]


def _of(reports: Mapping[str, Sequence[Row]], source: str) -> dict[str, list[Row]]:
    return {name.removeprefix("report."): _only(rows, source) for name, rows in reports.items()}


def _literature(project: Project, reports: Mapping[str, Sequence[Row]], sections: Sections) -> Iterator[Table]:
    """What others found, and the claims of the article; nothing of a study without a register."""
    if register := reports.get("report.evidence"):
        draw = partial(evidence.others_table, project, reports["report.evidence_comparison"], register)
        yield sections.draw("What others found", None, draw)
    if all(pooled := _pooled(reports)):
        yield sections.draw("Published estimates, pooled or why not", None, partial(syntheses.syntheses_table, *pooled))
    if claims := reports.get("report.claims"):
        yield sections.draw("Claims of the article, checked", None, partial(evidence.claims_table, project, claims))


def _pooled(reports: Mapping[str, Sequence[Row]]) -> tuple[Sequence[Row], Sequence[Row]]:
    return reports.get("report.evidence_synthesis", ()), reports.get("report.evidence_synthesis_estimates", ())


def _source_part(project: Project, name: str, held: Held, sections: Sections) -> SourcePart:
    labels = Labels.of(project, name)
    known = {table: [row for row in rows if labels.knows(row)] for table, rows in _of(held.reports, name).items()}
    reports = {table: [labels.said(row) for row in sorted(rows, key=labels.number_of_outcome)] for table, rows in known.items()}
    comparability = _only(held.comparability, name)
    outcomes = [
        sections.draw(label.label, name, partial(_outcome_part, labels, outcome, reports, sections))
        for outcome, label in project.study.outcomes.items()
    ]
    other = []
    if standardised := reports["prevalence_age_standardised"]:
        standards = ", ".join(sorted({row["standard_population"] for row in standardised}))
        draw = partial(tables.standardised_table, labels, standardised, standards)
        other.append(sections.draw("Age-standardised prevalence", name, draw))
    if planted := [row for row in reports.get("planted_truth", []) if row["estimate"] is not None]:
        other.append(sections.draw("Planted values", name, partial(tables.planted_table, labels, planted)))
    if any(row["verdict"] != "identical" or row["condition"] for row in comparability):
        other.append(sections.draw("Comparability of waves", name, partial(quality.comparability_table, labels, comparability)))
    flow = reports["respondent_flow"]
    first = [sections.draw("Respondent flow", name, partial(people.flow_table, labels, flow))] if flow else []
    stale = [row["wave"] for row in held.deliveries if row["source"] == name and row["is_stale"]]
    answer = sections.draw("Prevalence of each outcome, and odds ratios", name, partial(_lead, labels, reports, stale))
    settings = project.study.sequence_symmetry
    classes = project.drug_classes[settings.drug_classes] if settings else {}
    return SourcePart(labels.source, answer, first, outcomes, other, events.events_parts(labels, classes, reports, sections))


def _outcome_part(labels: Labels, outcome: str, reports: Mapping[str, Sequence[Row]], sections: Sections) -> OutcomePart:
    label, source = labels.study.outcomes[outcome].label, labels.source.source
    prevalence, ratios, trends, characteristics = (
        [row for row in reports[table] if row["outcome"] == outcome]
        for table in ("prevalence_by_age_band", "odds_ratios", "trends", "characteristics_by_outcome")
    )
    by_band = [row for row in prevalence if row["age_band"] != ALL]
    level = labels.study.confidence_level
    return OutcomePart(
        label,
        characteristics=[
            sections.draw(
                f"{label}: characteristics",
                source,
                partial(people.characteristics_table, labels, outcome, people.described(labels, of_population)),
            )
            for of_population in labels.by_population(characteristics)
        ],
        prevalence=(
            [partial(prevalence_figure, of, label, _about(labels, of)) for of in labels.by_population(by_band)],
            sections.draw(f"{label}: prevalence", source, partial(tables.prevalence_table, labels, outcome, prevalence, trends)),
        )
        if prevalence
        else None,
        odds_ratios=[
            (
                partial(forest_figure, shown, labels.exposures, label, _about(labels, shown), level),
                [
                    sections.draw(f"{label}: odds ratios", source, partial(tables.odds_ratio_table, labels, outcome, of_family))
                    for of_family in tables.families(labels, shown)
                ],
            )
            for of_population in labels.by_population(ratios)
            if (shown := best_of_waves(of_population))
        ],
    )


def _lead(labels: Labels, reports: Mapping[str, Sequence[Row]], stale: Sequence[str]) -> Answer | None:
    """What a reader reads first of a source."""
    return answer_of(labels, reports, stale)


def _about(labels: Labels, rows: Sequence[Row]) -> str:
    """What stands under the title of a figure of one population."""
    return labels.about(rows[0]["population"])


def _labels(project: Project, sources: Sequence[str]) -> list[Labels]:
    return [Labels.of(project, name) for name in sources]


def _not_shown(project: Project, reports: Mapping[str, Sequence[Row]]) -> list[tuple[str, int, int]]:
    """Why numbers are not shown, the most frequent reason first, and how many of them are synthetic."""
    hidden = [
        row
        for rows in reports.values()
        for row in rows
        if row.get("presentation_reason") and (row["presentation"] == "suppress" or row["is_suppressed"])
    ]
    reasons = Counter(row["presentation_reason"] for row in hidden)
    synthetic = Counter(row["presentation_reason"] for row in hidden if row["is_synthetic"])
    found = [(text_in_words(project, reason), times, synthetic[reason]) for reason, times in reasons.items()]
    return sorted(found, key=lambda line: (-line[1], line[0]))
