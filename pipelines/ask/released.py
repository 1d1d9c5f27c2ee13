"""A question and the release that it is asked of: what it is taken for, and the people whom the estimators are given.

What is refused is told by the macros of the release itself, so that every door refuses the same in the same words.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

import duckdb

from pipelines.ask.question import COMPARISONS, Question, Refused
from pipelines.contracts.columns import NUMERIC_TYPES
from pipelines.machine.errors import CrampAtlasError
from pipelines.machine.quoting import identifier, literal
from pipelines.machine.settings import Settings
from pipelines.making.engine import engine
from pipelines.project.project import Project
from pipelines.project.study import Adjustment, Exposure, Outcome, Population, Study
from pipelines.release.kept import manifest_of, releases_folder
from pipelines.release.macros.estimating import NOBODY
from pipelines.release.whereabouts import variables_of
from pipelines.report.estimation import Estimation
from pipelines.report.respondents import Scope
from pipelines.stages import load_project

ASKED = "asked"
"""The population that a question is about; with a number, the part of it at one combination of `by`."""

SAID = re.compile(r"Invalid Input Error: (.*)", re.DOTALL)

WITH_LEVELS = ("BOOLEAN", "VARCHAR")

NOWHERE = Scope("", ())

HAS_QUESTIONS = "select 1 from duckdb_functions() where schema_name = 'ask' and function_name = '_understood'"


@dataclass(frozen=True)
class OneQuestion(Estimation):
    """An estimation of one question: of its wave alone, with the weight that it is taken for."""

    scope: Scope = NOWHERE
    taken: str | None = None

    def scopes(self) -> list[Scope]:
        return [self.scope]

    def weight(self, variables: Any) -> str | None:
        return self.taken


@dataclass(frozen=True)
class Asked:
    """`parts`: population of the estimation -> the levels of `by` that its people have. `least`: the smallest count that is told
    of a restricted source, 0 of others. `passport`: what an answer rests on."""

    question: Question
    estimation: OneQuestion
    parts: dict[str, dict[str, Any]]
    least: int
    passport: dict[str, str]

    @property
    def study(self) -> Study:
        return self.estimation.study


def project_in(folder: str | Path | None) -> Project:
    """The project in a folder, or that of the environment; read anew when a file of it is newer."""
    settings = Settings(project=Path(folder)) if folder is not None else Settings()
    parts = [settings.project / "study.yaml", settings.data_contracts, settings.sql]
    files = [path for part in parts for path in ([part] if part.is_file() else sorted(part.rglob("*.*")))]
    return _read(settings, tuple((str(path), path.stat().st_mtime_ns) for path in files))


@lru_cache(maxsize=4)
def _read(settings: Settings, files: tuple[tuple[str, int], ...]) -> Project:
    return load_project(settings)


@contextmanager
def asked_of(project: Project, question: Question) -> Iterator[Asked]:
    """The question as it is put to the release that readers see; raises Refused where it has no answer, CrampAtlasError where
    nothing is published."""
    manifest = manifest_of(project)
    database = releases_folder(project) / manifest["release_id"] / "epi.duckdb"
    with engine(project.settings) as connection:
        for statement in variables_of(database):
            connection.execute(statement)
        connection.execute(f"attach {literal(str(database))} as epi (read_only)")
        connection.execute("use epi")
        taken = _understood(connection, question, manifest["release_id"], project)
        source = project.sources.get(str(question.source))
        if source is None:
            raise CrampAtlasError(f"source {question.source} is in the release and not in this project: run cramp-atlas refresh")
        connection.execute(
            f"create temp view {ASKED} as select * from {project.study.respondents} where source = {literal(source.source)}"
        )
        parts = _parts(connection, question, taken)
        estimation = OneQuestion(
            connection=connection,
            respondents=ASKED,
            study=_study(project, connection, question, parts),
            source=source,
            waves=taken["waves"],
            comparability=project.comparability_of(source),
            scope=Scope(taken["wave"], tuple(taken["waves"])),
            taken=taken["weight"],
        )
        passport = {
            "release_id": str(manifest["release_id"]),
            "published_at": str(manifest["published_at"]),
            "respondents": _respondents(manifest, project, taken["waves"], source.source),
            "asked_at": datetime.now(UTC).isoformat(timespec="seconds"),
        }
        yield Asked(question, estimation, {name: levels for name, (_, levels) in parts.items()}, taken["least"], passport)


def _understood(connection: duckdb.DuckDBPyConnection, question: Question, release_id: str, project: Project) -> dict[str, Any]:
    """Wave, waves, weight and least count of a question; raises Refused with what the macros say against it."""
    if not connection.sql(HAS_QUESTIONS).fetchall():
        raise CrampAtlasError(
            f"release {release_id} was published before questions could be asked of it: run cramp-atlas refresh"
        )
    listed = ", ".join(map(literal, question.names))
    arguments = [_fault(question, project), f"[{listed}]", literal(question.where)]
    arguments += ["null" if value is None else literal(value) for value in (question.source, question.wave, question.weight)]
    try:
        taken = connection.execute(f"select * from ask._understood({', '.join(arguments)})").fetchall()[0]
    except duckdb.Error as error:
        raise Refused(_reason(error)) from error
    found = dict(zip(("wave", "weight", "least", "waves", "n_members"), taken, strict=True))
    if not found["n_members"]:
        raise Refused(NOBODY)
    return found


def _fault(question: Question, project: Project) -> str:
    """SQL of what is wrong with a question of its kind, beside what may be wrong with any."""
    outcome = literal(question.outcome)
    if question.measure in COMPARISONS:
        exposure = project.study.exposures.get(str(question.exposure))
        if exposure is not None and exposure.is_number:
            return f"ask._names_fault([{outcome}])"
        reference = "null" if question.reference is None else literal(question.reference)
        return f"ask._comparison_fault({outcome}, {literal(str(question.exposure))}, {reference})"
    split = "[" + ", ".join(map(literal, question.by)) + "]" if question.by else "[]::varchar[]"
    types, wanted = "['BOOLEAN']", "what is true or false"
    if question.measure in ("mean", "total"):
        types, wanted = "[" + ", ".join(map(literal, [*sorted(NUMERIC_TYPES), "BOOLEAN"])) + "]", "a number"
    source = "null" if question.source is None else literal(question.source)
    return f"ask._by_fault({outcome}, {split}, {types}, {literal(wanted)}, {source})"


def _reason(error: duckdb.Error) -> str:
    """What a macro says, in one line. What the engine itself says may hold somebody's value, unless it read nobody."""
    said = SAID.search(str(error))
    if said:
        return said[1].partition("\n")[0]
    if isinstance(error, (duckdb.BinderException, duckdb.CatalogException, duckdb.ParserException)):
        return "the condition cannot be used: " + str(error).partition("\n")[0].partition(": ")[2]
    return f"the condition cannot be worked out for everybody ({type(error).__name__})"


def _parts(
    connection: duckdb.DuckDBPyConnection, question: Question, taken: dict[str, Any]
) -> dict[str, tuple[str, dict[str, Any]]]:
    """Population -> its condition and its levels of `by`. A prevalence, a mean and a total are split by their estimator."""
    # a comment at its end must not swallow what follows
    condition = f"({question.where}\n)"
    if not question.by or question.measure in ("prevalence", "mean", "total"):
        return {ASKED: (condition, {})}
    columns = ", ".join(identifier(name) for name in question.by)
    known = " and ".join(f"{identifier(name)} is not null" for name in question.by)
    weighted = f" and {identifier(taken['weight'])} > 0" if taken["weight"] else ""
    waves = ", ".join(map(literal, taken["waves"]))
    found = connection.sql(
        f"select distinct {columns} from {ASKED} where {condition} and {known}{weighted} and wave in ({waves}) order by all"
    ).fetchall()
    if not found:
        raise Refused(NOBODY)
    parts = {}
    for number, levels in enumerate(found):
        named = dict(zip(question.by, levels, strict=True))
        at = " and ".join(f"{identifier(name)} = {literal(level)}" for name, level in named.items())
        parts[f"{ASKED}_{number:04}"] = (f"{condition} and {at}", named)
    return parts


def _study(
    project: Project,
    connection: duckdb.DuckDBPyConnection,
    question: Question,
    parts: dict[str, tuple[str, dict[str, Any]]],
) -> Study:
    """The study with this question alone."""
    study, types = project.study, project.contracts[project.study.respondents].column_types()
    adjustment = {name: study.adjustment.get(name, Adjustment()) for name in question.adjusters}
    for name, adjusted in adjustment.items():
        if types[name] not in WITH_LEVELS and adjusted.form is None:
            raise Refused(
                f"{name} is {types[name]}: a number is adjusted for in the form that adjustment in study.yaml gives it; name a "
                "column with levels instead, such as age_band"
            )
    exposures = {question.exposure: _exposure(study, question, types)} if question.exposure else {}
    return study.model_copy(
        update={
            "populations": {name: Population(label=name, where=condition) for name, (condition, _) in parts.items()},
            "outcomes": {question.outcome: study.outcomes.get(question.outcome, Outcome(label=question.outcome))},
            "exposures": exposures,
            "adjustment": adjustment,
            "odds_ratios": study.odds_ratios.model_copy(update={"populations": list(parts)}),
        }
    )


def _exposure(study: Study, question: Question, types: dict[str, str]) -> Exposure:
    name = str(question.exposure)
    known = study.exposures.get(name)
    if known is not None and known.is_number:
        return known.model_copy(update={"populations": None})
    said = question.reference if question.reference is not None else (known.reference if known else None)
    if types[name] == "BOOLEAN":
        return Exposure(label=name, reference=str(said).lower() == "true")
    return Exposure(label=name, reference=str(said))


def _respondents(manifest: dict[str, Any], project: Project, waves: list[str], source: str) -> str:
    """Which objects hold the people: their place and the beginning of their SHA-256."""
    places = {f"{project.study.respondents} {source} {wave}" for wave in waves}
    found = [f"{entry['place']} {entry['content'][:12]}" for entry in manifest["objects"] if entry["place"] in places]
    return "; ".join(found)
