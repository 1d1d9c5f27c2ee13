"""The report rows of one restricted source as this release may show them, given what earlier releases showed."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb
import polars as pl

from pipelines.making.engine import bind_objects, confine, engine
from pipelines.project.project import Project
from pipelines.project.respondents import POOLED
from pipelines.project.sources import Source
from pipelines.release.disclosure.across import Now, rows_to_keep_back, units_to_keep_back
from pipelines.release.disclosure.atoms import Classification
from pipelines.release.disclosure.former import are_shown_again, with_former
from pipelines.release.disclosure.hiding import with_hidden
from pipelines.release.disclosure.ledger import LEDGERS, Ledger, Shown, Version
from pipelines.release.disclosure.people import count_people, sampling_of
from pipelines.release.disclosure.protecting import judged, judged_pairs
from pipelines.release.disclosure.sampling import Sampling
from pipelines.report.estimation import Estimation
from pipelines.report.matched_sets import fewest_speaking
from pipelines.report.respondents import in_population
from pipelines.store import Place, digest

COMPARED = ("age_bands", "adjustment", "standard")
"""Settings that decide the columns by which people are counted: releases in which they differ are not compared."""

Frames = dict[str, pl.DataFrame]


def protected_rows(project: Project, source: Source, tables: Frames, paths: Mapping[Place, Path]) -> Frames:
    """Table -> rows that anybody may see, of the report tables that disclosure control follows; notes them in the ledger.

    Raises CrampAtlasError where the ledger cannot be read: what was shown before is then not known.
    """
    if not tables:
        return {}
    ledger = Ledger(project.settings.warehouse_folder / LEDGERS / source.source)
    objects = [path for place, path in paths.items() if place.name == project.study.respondents and place.source == source.source]
    with _respondents(project, objects) as connection:
        if source.design == "case_control":
            return _protected_pairs(project, source, tables, ledger, connection)
        return _protected(project, source, tables, ledger, connection, digest(sorted(path.stem for path in objects)))


def unread_ledgers(project: Project) -> list[str]:
    """The restricted sources whose ledger cannot be read, of which nothing is shown until it can."""
    folder = project.settings.warehouse_folder / LEDGERS
    restricted = sorted(name for name, source in project.sources.items() if source.is_restricted)
    return [name for name in restricted if not Ledger(folder / name).is_readable()]


@contextmanager
def _respondents(project: Project, objects: Sequence[Path]) -> Iterator[duckdb.DuckDBPyConnection]:
    with engine(project.settings) as connection:
        bind_objects(connection, project.contracts[project.study.respondents], list(objects))
        confine(connection)
        yield connection


def _protected(
    project: Project, source: Source, tables: Frames, ledger: Ledger, connection: duckdb.DuckDBPyConnection, respondents: str
) -> Frames:
    study, name, minimum = project.study, project.study.respondents, project.study.disclosure.minimum_cell
    weights = {weight for frame in tables.values() for weight in frame["weight"].drop_nulls()}
    asked = {name for frame in tables.values() if "exposure" in frame.columns for name in frame["exposure"]}
    exposures = [name for name in study.exposures_with_levels if name in asked]

    def counted(more: Mapping[str, str]) -> tuple[pl.DataFrame, Classification]:
        return count_people(connection, name, study, project.standard_population, weights, exposures, more)

    people, names = counted({})
    is_weighted = source.design == "survey"
    has_units = source.has_psus and not source.replicate_weights
    sampling = sampling_of(
        connection, name, weights, minimum, is_weighted=is_weighted, drawn_one_by_one=is_weighted and not has_units
    )
    settings = _settings(project)
    version = Version(digest([people.to_dicts(), settings]), respondents, settings, names, people)
    found = judged(tables, people, names, minimum)
    back: Sequence[int] = found.hidden
    safe = with_hidden(tables, found.units, found.hidden, sampling)
    for earlier in ledger.shown():
        if any(earlier.version.settings.get(key) != settings[key] for key in COMPARED):
            continue
        if earlier.version.digest == version.digest and are_shown_again(earlier.tables, safe):
            continue  # nothing that is not in what is judged anyway
        renamed = _renamed(connection, name, settings, earlier)
        people_now, names_now = counted(dict(renamed.values())) if renamed else (people, names)
        then = people_now if earlier.version.respondents == respondents else _people_of(earlier, renamed, settings)
        shown = {table: _with_aliases(rows, renamed) for table, rows in earlier.tables.items()}
        back = units_to_keep_back(Now(tables, found.units, people_now, names_now, minimum), set(back), then, shown)
    public = with_hidden(tables, found.units, back, sampling, kept_back=set(back) - set(found.hidden))
    latest = _of_the_same_people(*ledger.latest(), settings)
    everything, fresh = with_former(public, tables, latest, found.units, back, minimum)
    ledger.record(version, fresh, everything)
    return everything


def _of_the_same_people(then: Mapping[str, Any], tables: Mapping[str, pl.DataFrame], now: Mapping[str, Any]) -> Frames:
    """The rows of the last release that are about people whom the study tells apart as it did then."""
    if any(then.get(key) != now[key] for key in COMPARED):
        return {}
    same = [name for name, where in now["populations"].items() if then["populations"].get(name) == where]
    return {name: rows.filter(pl.col("population").is_in(same)) for name, rows in tables.items()}


def _settings(project: Project) -> dict[str, Any]:
    """What decides which people a row is about."""
    study = project.study
    return {
        "minimum_cell": study.disclosure.minimum_cell,
        "populations": {name: population.where for name, population in sorted(study.populations.items())},
        "age_bands": study.age_bands.lower_bounds,
        "adjustment": sorted(study.adjustment),
        "standard": digest(project.standard_population.groups.to_dicts()),
    }


def _renamed(
    connection: duckdb.DuckDBPyConnection, respondents: str, settings: Mapping[str, Any], earlier: Shown
) -> dict[str, tuple[str, str]]:
    """Populations of an earlier release that meant other people -> a name of their own, and the condition they had."""
    found = {}
    for name, where in earlier.version.settings["populations"].items():
        if settings["populations"].get(name) == where:
            continue
        try:
            connection.execute(f"select count(*) from {respondents} where ({where}\n)")
        except duckdb.Error:
            continue  # it asks for a column that is gone, or that holds something else now
        found[name] = (f"{name} {digest(where)[:8]}", where)
    return found


def _people_of(earlier: Shown, renamed: Mapping[str, tuple[str, str]], settings: Mapping[str, Any]) -> pl.DataFrame:
    """The people of an earlier release, those of populations that mean others now under the names of their own."""
    then = earlier.version.people
    aliases = {in_population(name): in_population(alias) for name, (alias, _) in renamed.items()}
    lost = [
        in_population(name)
        for name, where in earlier.version.settings["populations"].items()
        if name not in renamed and settings["populations"].get(name) != where
    ]
    return then.drop(lost, strict=False).rename({name: alias for name, alias in aliases.items() if name in then.columns})


def _with_aliases(rows: pl.DataFrame, renamed: Mapping[str, tuple[str, str]]) -> pl.DataFrame:
    return rows.with_columns(pl.col("population").replace({name: alias for name, (alias, _) in renamed.items()}))


def _protected_pairs(
    project: Project, source: Source, tables: Frames, ledger: Ledger, connection: duckdb.DuckDBPyConnection
) -> Frames:
    minimum, settings = project.study.disclosure.minimum_cell, _settings(project)
    earlier, latest = ledger.shown(), _of_the_same_people(*ledger.latest(), settings)
    everything: Frames = {}
    fresh: Frames = {}
    for name, frame in tables.items():
        found = judged_pairs(frame, project.study, _speaking(project, source, frame, connection))
        rows = set(rows_to_keep_back(frame, [shown.tables[name] for shown in earlier if name in shown.tables], minimum))
        back = {*found.hidden, *(number for number, unit in enumerate(found.units) if unit.row in rows)}
        public = with_hidden({name: frame}, found.units, back, Sampling())
        all_rows, new_rows = with_former(public, {name: frame}, latest, found.units, back, minimum)
        everything |= all_rows
        fresh |= new_rows
    nobody = Classification((), (), (), ())
    version = Version(
        digest([{name: frame.to_dicts() for name, frame in tables.items()}, settings]), "", settings, nobody, pl.DataFrame()
    )
    ledger.record(version, fresh, everything)
    return everything


def _speaking(
    project: Project, source: Source, odds_ratios: pl.DataFrame, connection: duckdb.DuckDBPyConnection
) -> dict[int, int]:
    """Number of a matched row -> what its odds ratio rests on; of pooled waves the least of any wave, which they would tell."""
    estimation = Estimation(connection, project.study.respondents, project.study, source, source.study_waves)
    fewest = {}
    for number, row in enumerate(odds_ratios.iter_rows(named=True)):
        if row["exposed_cases"] is None:
            continue
        scopes = [scope for scope in estimation.scopes() if scope.wave == row["wave"] or row["wave"] == POOLED]
        asked = (fewest_speaking(estimation, scope, row["exposure"], row["population"]) for scope in scopes)
        if found := [n for n in asked if n is not None]:
            fewest[number] = min(found)
    return fewest
