"""Registers of dispensings drawn anew: the intervals of sequence ratios against the planted ones."""

from collections.abc import Iterable
from tempfile import TemporaryDirectory

import duckdb
import polars as pl

from pipelines.core.harmonise import completed, this_wave
from pipelines.machine.settings import Settings
from pipelines.making.engine import bind_frame, bind_select
from pipelines.project.generator import events_generator
from pipelines.project.project import Project
from pipelines.project.sources import Source
from pipelines.report.events import Events
from pipelines.report.sequences import sequence_ratios
from pipelines.stages import load_project
from pipelines.synthetic.events import draw_events
from tests.coverage.console import seeds, show

SOURCE, TABLE = "synthetic_dispensings", "core.dispensings"

N_SEEDS = 100
LEAST = 88
"""Of N_SEEDS: the promise of the register for each planted ratio."""


def report_sequences() -> list[str]:
    """Print the table; returns what is not as it should be."""
    with TemporaryDirectory() as folder:
        project = load_project(Settings(warehouse=folder))
        counted = covered(sequence_intervals(project, seeds(N_SEEDS, "registers")))
    show(f"Planted sequence ratios, each in {N_SEEDS} registers (at least {LEAST})", counted)
    return [
        f"{row['index_class']} within {row['window_days']} days: {row['n_covered']} of {row['n_registers']} intervals"
        for row in counted.to_dicts()
        if row["n_covered"] < LEAST
    ]


def covered(rows: pl.DataFrame) -> pl.DataFrame:
    """One row per planted ratio and window: in how many registers its interval held it."""
    is_held = pl.col("planted").is_between("sequence_ratio_lower", "sequence_ratio_upper")
    by = ["index_class", "planted", "window_days"]
    return (
        rows.group_by(by)
        .agg(n_registers=pl.len(), n_covered=is_held.sum(), median_ratio=pl.col("sequence_ratio").median())
        .sort("window_days", "planted", "index_class")
    )


def sequence_intervals(project: Project, seeds: Iterable[int], people: int | None = None) -> pl.DataFrame:
    """The rows of report.sequence_ratios for one register a seed, with the `planted` ratio beside; through the project's own
    selects, without a warehouse."""
    source = project.sources[SOURCE]
    planted = events_generator(source).planted
    frames = [_rows(project, source, seed, people) for seed in seeds]
    rows = pl.concat(frames, how="diagonal_relaxed")
    return rows.with_columns(planted=pl.col("index_class").replace_strict(planted, return_dtype=pl.Float64))


def _rows(project: Project, source: Source, seed: int, people: int | None) -> pl.DataFrame:
    assert source.generator is not None
    changed = {"seed": seed} | ({"people": people} if people else {})
    made = source.model_copy(update={"generator": {**source.generator, **changed}})
    [wave] = made.study_waves
    settings = project.study.sequence_symmetry
    assert settings is not None
    with duckdb.connect() as connection:
        bind_frame(connection, "raw", events_generator(made).tables.people, draw_events(project, made, wave))
        bind_frame(connection, "meta", "this_wave", this_wave(made, wave))
        select, vocabulary = project.selects[f"{TABLE}/{SOURCE}"], project.vocabularies[TABLE]
        bands = project.study.age_bands.frame()
        text = completed(connection, select, vocabulary, project.contracts[TABLE], made, bands)
        bind_select(connection, TABLE, text)
        classes = project.drug_classes[settings.drug_classes]
        return sequence_ratios(Events(connection, TABLE, project.study, made, [wave], classes))
