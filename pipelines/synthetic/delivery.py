"""Delivering a synthetic source into landing, as its fieldwork would: files of text, and nothing where nothing has changed."""

import json
from collections.abc import Callable, Iterator, Mapping
from importlib.metadata import version
from pathlib import Path

import polars as pl

from pipelines.machine.code import code_digest
from pipelines.machine.files import replace_text, sha256_of_file
from pipelines.project.events import OF_EVENTS
from pipelines.project.generator import (
    CaseControlGenerator,
    EventsGenerator,
    SurveyGenerator,
    case_control_generator,
    check_generator,
    events_generator,
    survey_generator,
)
from pipelines.project.project import Project
from pipelines.project.sources import Source
from pipelines.store import digest
from pipelines.synthetic.case_control import draw_sets, planted_odds_ratios
from pipelines.synthetic.census import planted_truth
from pipelines.synthetic.events import draw_events, planted_events
from pipelines.synthetic.records import as_delivered, population_select, with_unanswered
from pipelines.synthetic.survey import draw_population, draw_sample

MADE = "generated.json"
"""Says what made the files of a source's folder in landing, and their SHA-256."""

LIBRARIES = ("duckdb", "numpy", "polars", "pyarrow", "scipy")


def deliver(project: Project, source: Source) -> bool:
    """Generate the delivery of a synthetic source; returns whether anything had to be generated.

    Writes the files that the source names, each in one atomic step, and then `generated.json`. Nothing is generated where that
    file names the same recipe and the files are as it says: a changed or missing file is made again.
    Raises ConfigurationError where the source has no generator, or one that does not fit its tables.
    """
    folder = project.settings.landing_folder / source.source
    recipe = recipe_of(project, source)
    if _is_delivered(project, folder, source, recipe):
        return False
    files = {}
    for file, text in _DELIVERIES[source.design](project, source):
        replace_text(folder / file, text)
        files[file] = sha256_of_file(folder / file)
    replace_text(folder / MADE, json.dumps({"recipe": recipe, "files": files}, indent=2, sort_keys=True) + "\n")
    return True


def recipe_of(project: Project, source: Source) -> str:
    """SHA-256 over everything that decides a byte of the delivery; raises ConfigurationError where it cannot be generated."""
    check_generator(source)
    harmonising = project.selects.get(f"{project.study.respondents}/{source.source}")
    of_respondents = {key: part for key, part in project.study.of_estimates().items() if key not in OF_EVENTS}
    return digest(
        {
            "source": source.model_dump(mode="json"),
            "study": of_respondents if harmonising else {},
            "selects": [population_select(project, source), harmonising.text if harmonising else ""],
            "columns": [project.contracts[f"raw.{table}"].column_types() for table in source.tables],
            "codebooks": [project.contracts[f"raw.{table}"].codebook_digest for table in source.tables],
            "code": code_digest(["synthetic.delivery"]),
            "libraries": {library: version(library) for library in LIBRARIES},
        }
    )


def _is_delivered(project: Project, folder: Path, source: Source, recipe: str) -> bool:
    """Whether the files are as `generated.json` says. What is no file, or may be endless, is not opened but made again."""
    most = project.settings.reader_decompressed_limit
    paths = [folder / name for name in (MADE, *_files(source))]
    if not all(path.is_file() and path.stat().st_size <= most for path in paths):
        return False
    try:
        made = json.loads((folder / MADE).read_text(encoding="utf-8"))
        files = {str(file): str(content) for file, content in made["files"].items()}
        is_same = made["recipe"] == recipe and set(files) == set(_files(source))
        return is_same and all(sha256_of_file(folder / file) == content for file, content in files.items())
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError, ValueError, KeyError, TypeError, AttributeError):
        return False


def _files(source: Source) -> list[str]:
    return [table.file for wave in source.waves.values() for table in wave.tables.values()]


def _survey(project: Project, source: Source) -> Iterator[tuple[str, str]]:
    """The population once, and for each wave a sample of it with the population's own truth."""
    made = survey_generator(source)
    codebook = project.contracts[f"raw.{made.tables.people}"].codebook_frame()
    population = draw_population(project, source)
    for wave in source.study_waves:
        yield _people_file(source, made, codebook, wave, draw_sample(made, population, wave, made.seed))
        yield _planted_file(source, made, wave, planted_truth(project, source, wave, population))


def _case_control(project: Project, source: Source) -> Iterator[tuple[str, str]]:
    made = case_control_generator(source)
    codebook = project.contracts[f"raw.{made.tables.people}"].codebook_frame()
    for wave, sets in made.sets.items():
        yield _people_file(source, made, codebook, wave, draw_sets(project, source, wave, sets, made.seed))
        yield _planted_file(source, made, wave, planted_odds_ratios(made, source, project.study, wave))


def _events(project: Project, source: Source) -> Iterator[tuple[str, str]]:
    made = events_generator(source)
    for wave in source.study_waves:
        yield source.waves[wave].tables[made.tables.people].file, draw_events(project, source, wave).write_csv()
        yield _planted_file(source, made, wave, planted_events(source, wave))


_DELIVERIES: Mapping[str, Callable[[Project, Source], Iterator[tuple[str, str]]]] = {
    "survey": _survey,
    "case_control": _case_control,
    "register": _events,
    "diary": _events,
}


def _people_file(
    source: Source, made: SurveyGenerator | CaseControlGenerator, codebook: pl.DataFrame, wave: str, people: pl.DataFrame
) -> tuple[str, str]:
    """Name and text of the file of records; a byte order mark stands before the header, as spreadsheets write it."""
    answered = with_unanswered(people, made.unanswered, codebook, made.seed, wave)
    delivered = as_delivered(answered, made.mess, codebook, made.seed, wave)
    return source.waves[wave].tables[made.tables.people].file, "\ufeff" + delivered.write_csv()


def _planted_file(
    source: Source, made: SurveyGenerator | CaseControlGenerator | EventsGenerator, wave: str, planted: pl.DataFrame
) -> tuple[str, str]:
    return source.waves[wave].tables[made.tables.planted].file, planted.write_csv()
