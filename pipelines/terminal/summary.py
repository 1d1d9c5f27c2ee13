"""What a person reads after a refresh: the main numbers, the planted truth, what was held back, where the release is."""

from collections.abc import Sequence

import dagster as dg
import duckdb
from rich.console import Console
from rich.table import Table
from rich.text import Text

from pipelines.dagster.home import prepare_dagster_home
from pipelines.dagster.job import Refreshed
from pipelines.dagster.runs import last_night
from pipelines.machine.errors import StoreDamaged
from pipelines.project.project import Project
from pipelines.project.respondents import ALL
from pipelines.project.words import within
from pipelines.raw.drift.between import accepted_drift
from pipelines.raw.drift.words import in_words as drift_in_words
from pipelines.release.damage import standing_damage
from pipelines.release.figures.forest import contrast
from pipelines.release.formatting import NOTHING, Row, percent_with_interval, ratio_with_interval
from pipelines.release.kept import current_release, hold_file
from pipelines.release.meta import deliveries
from pipelines.release.page.labels import MODELS, Labels
from pipelines.release.standing import in_words, standing_causes
from pipelines.report.membership import empty_populations
from pipelines.report.scales import scale_warnings
from pipelines.terminal.afterwards import say_what_is_new, say_what_is_next

PLANTED = "report.planted_truth"
"""There only in a project with synthetic sources of known truth."""


def print_summary(project: Project, refreshed: Refreshed, console: Console) -> None:
    """Print the published numbers, then how the run went."""
    database = project.settings.warehouse_folder / "epi_public.duckdb"
    if database.exists():
        with duckdb.connect(str(database), read_only=True) as connection:
            _print_prevalence(project, connection, console)
            _print_odds_ratios(project, connection, console)
            if PLANTED in project.contracts:
                _print_planted(project, connection, console)
            _print_scales(connection, console)
    _print_state(project, console)
    for failure in refreshed.broken:
        console.print(failure, style="red", soft_wrap=True)
    # what stands every night is on the page; here it is news
    for line in drift_in_words(accepted_drift(project)) if refreshed.n_made else ():
        console.print(f"drift: {line}", style="yellow", soft_wrap=True)
    for line in empty_populations(project):
        console.print(line, style="yellow", soft_wrap=True)
    say_what_is_new(project, refreshed)
    total = sum(refreshed.step_seconds.values())
    slowest = sorted(refreshed.step_seconds.items(), key=lambda item: -item[1])[:4]
    times = ", ".join(f"{step} {seconds:.1f} s" for step, seconds in slowest)
    console.print(f"time: {total:.1f} s in steps ({times})")
    console.print(f"run {refreshed.run_id}: {'succeeded' if refreshed.success else 'FAILED'}")
    say_what_is_next(project)


def print_status(project: Project, console: Console) -> bool:
    """Print what readers see, what is held back, and why the last night failed otherwise; returns whether nothing is wrong."""
    try:
        rejected = _print_state(project, console)
    except StoreDamaged:
        # nobody knows what is accepted, but what is damaged
        for line in standing_damage(project):
            console.print(line, style="red", soft_wrap=True)
        return False
    prepare_dagster_home(project.settings.project)
    with dg.DagsterInstance.get() as instance:
        night = last_night(instance, project)
    failures = [cause.words for cause in night.causes.values() if not night.has_told] if night else []
    for failure in failures:
        console.print(failure, style="red", soft_wrap=True)
    return not rejected and not failures


def _print_prevalence(project: Project, connection: duckdb.DuckDBPyConnection, console: Console) -> None:
    """Prevalence by age band of each source: its pooled waves, or its latest one."""
    rows = _rows(connection, "select * from report.prevalence_by_age_band")
    populations = list(project.study.populations)
    for labels, of_source in _by_source(project, rows):
        ours = labels.latest(of_source)
        table = Table(title=f"Prevalence, % ({_name(ours[0])})", title_justify="left")
        table.add_column("Population, age")
        for outcome in project.study.outcomes.values():
            table.add_column(outcome.label, justify="right")
        numbers = {(row["population"], row["age_band"], row["outcome"]): percent_with_interval(row) for row in ours}
        found = dict.fromkeys((row["population"], row["age_band"]) for row in ours)
        # everybody of a population stands above its age bands
        for population, band in sorted(found, key=lambda key: (populations.index(key[0]), key[1] != ALL)):
            cells = [numbers.get((population, band, outcome), NOTHING) for outcome in project.study.outcomes]
            table.add_row(project.study.populations[population].label if band == ALL else f"  {band}", *cells)
        console.print(table)


def _print_odds_ratios(project: Project, connection: duckdb.DuckDBPyConnection, console: Console) -> None:
    """The most adjusted odds ratio of each exposure, a table a population; where waves cannot be pooled, wave by wave."""
    rows = _rows(
        connection,
        """
        with shown as (
          select
            *,
            bool_or(wave = 'pooled' and odds_ratio is not null)
              over (partition by source, population, outcome, exposure, model) as is_pooled
          from report.odds_ratios
          where model in ('adjusted', 'matched')
        )
        select * from shown where odds_ratio is not null and (wave = 'pooled' or not is_pooled)
        """,
    )
    for labels, of_source in _by_source(project, rows):
        for population in project.study.populations:
            if ours := [row for row in of_source if row["population"] == population]:
                console.print(_odds_ratio_table(labels, ours))


def _odds_ratio_table(labels: Labels, rows: Sequence[Row]) -> Table:
    """Rows of one source and population: outcomes across, exposures and waves down."""
    outcomes = [outcome for outcome in labels.study.outcomes if outcome in {row["outcome"] for row in rows}]
    population = within(labels.study.populations[rows[0]["population"]].label)
    about = [rows[0]["source"], *(["synthetic"] if labels.source.is_synthetic else []), population]
    table = Table(title=f"Odds ratios ({', '.join(about)})", title_justify="left")
    for heading in ("Exposure", "Wave", "Model"):
        table.add_column(heading)
    for outcome in outcomes:
        table.add_column(labels.study.outcomes[outcome].label, justify="right")
    lines: dict[tuple[str, ...], dict[str, str]] = {}
    exposures = list(labels.exposures)
    for row in sorted(rows, key=lambda row: (exposures.index(row["exposure"]), labels.number_of_wave(row["wave"]))):
        line = lines.setdefault((contrast(row, labels.exposures), row["wave"], MODELS.get(row["model"]) or row["model"]), {})
        line[row["outcome"]] = ratio_with_interval(row)
    for key, by_outcome in lines.items():
        table.add_row(*key, *(by_outcome.get(outcome, NOTHING) for outcome in outcomes))
    return table


def _print_planted(project: Project, connection: duckdb.DuckDBPyConnection, console: Console) -> None:
    rows = _rows(connection, f"select * from {PLANTED} where estimate is not null")
    for labels, of_source in _by_source(project, rows):
        for row in of_source:
            if row["model"] == "matched":
                about = labels.named(row)
                words = (
                    f"{_name(row)}, {within(about['population'])}, {within(about['outcome'])} by {within(_exposure(labels, row))}"
                )
                console.print(
                    f"planted {row['planted']:.2f} -> {ratio_with_interval(row, 'estimate')} ", Text(words, "dim"), soft_wrap=True
                )
    for source in dict.fromkeys(row["source"] for row in rows if row["model"] != "matched"):
        ours = [row for row in rows if row["source"] == source and row["model"] != "matched"]
        covered = sum(row["is_covered"] for row in ours)
        console.print(f"planted values of {source}, synthetic, inside their intervals: {covered} of {len(ours)}")


def _exposure(labels: Labels, row: Row) -> str:
    level = "" if row["exposure_level"] == "true" else f": {row['exposure_level']}"
    return f"{labels.exposures[row['exposure']]}{level}"


def _print_scales(connection: duckdb.DuckDBPyConnection, console: Console) -> None:
    """Which sources pool waves whose weights are on different scales."""
    judged = "select table_name from duckdb_columns() where schema_name = 'report' and column_name = 'presentation_reason'"
    names = [row["table_name"] for row in _rows(connection, judged)]
    for line in scale_warnings(row for name in names for row in _rows(connection, f"from report.{name}")):
        console.print(line, style="yellow", soft_wrap=True)


def _print_state(project: Project, console: Console) -> str | None:
    """Returns what was printed of what stands rejected."""
    for row in deliveries(project).iter_rows(named=True):
        if row["verdict"] == "absent":
            console.print(f"{row['source']} {row['wave']}: nothing delivered", style="dim")
    causes = standing_causes(project, is_terminal=True)
    rejected = in_words(project, causes) if causes else None
    if rejected:
        console.print(rejected, style="red", soft_wrap=True)
    release = current_release(project)
    held = " (held by a rollback: cramp-atlas releases resume)" if hold_file(project).exists() else ""
    where = project.settings.warehouse_folder / "epi.duckdb"
    console.print(f"release {release}: {where}{held}" if release else "nothing is published yet", soft_wrap=True)
    return rejected


def _by_source(project: Project, rows: Sequence[Row]) -> list[tuple[Labels, list[Row]]]:
    """The rows of each source, real ones before synthetic ones; those about what the project names no more are left out."""
    with_rows = dict.fromkeys(row["source"] for row in rows)
    named = sorted((name for name in with_rows if name in project.sources), key=lambda name: project.sources[name].is_synthetic)
    labelled = [(name, Labels.of(project, name)) for name in named]
    found = [
        (labels, [labels.said(row) for row in rows if row["source"] == name and labels.knows(row)]) for name, labels in labelled
    ]
    return [(labels, of_source) for labels, of_source in found if of_source]


def _name(row: Row) -> str:
    return f"{row['source']} {row['wave']}{', synthetic' if row['is_synthetic'] else ''}"


def _rows(connection: duckdb.DuckDBPyConnection, query: str) -> list[Row]:
    return list(connection.sql(query).pl().to_dicts())
