"""A delivered file judged by its contract as the night would judge it, and nothing kept.

How a file is read and judged is in `ingest`; this only runs it on a store that is thrown away.
"""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import polars as pl

from pipelines.contracts.model import Contract
from pipelines.contracts.rules import OF_READING
from pipelines.landing.finding import landed_digest
from pipelines.landing.readers.delivered import Delivered
from pipelines.landing.readers.names import composed
from pipelines.machine.errors import WrongUsage
from pipelines.making.judging import as_records, judge_claims, problems_of
from pipelines.making.seeing import raw_place
from pipelines.project.project import Project
from pipelines.project.sources import DeliveredFile
from pipelines.raw.candidate import candidate
from pipelines.raw.plan import plan_raw
from pipelines.store import Place, Sidecar
from pipelines.store.places import rejected_rows_place


@dataclass(frozen=True)
class Trial:
    """The verdict on one file. `set_aside` counts records by rule; a record may break several.

    `notes` are what a person has to know of how the file and its columns were read; they reject nothing.
    """

    place: Place
    n_rows: int
    n_set_aside: int
    set_aside: Mapping[str, int]
    results: Sequence[Mapping[str, Any]]
    problems: Sequence[str]
    notes: Sequence[str] = ()

    @property
    def is_accepted(self) -> bool:
        return not self.problems


def try_out(project: Project, path: Path, place: Place) -> Trial:
    """Read, conform and judge a file as the delivery of `place`; only claims that look at other tables read the warehouse.

    Such a claim sees what is accepted of the other tables, where the night sees what lies beside the file in landing. It is
    not judged where nothing is accepted of them. Raises WrongUsage where there is no such file.
    """
    if not path.exists():
        raise WrongUsage(f"there is no file {path}")
    with TemporaryDirectory() as folder:
        # a delivered file must lie in landing, and this one may lie anywhere
        own = {"warehouse": Path(folder).resolve(), "landing": path.resolve().parent}
        settings = project.settings.model_copy(update=own)
        passing = replace(project, settings=settings)
        received: list[Delivered] = []
        sidecar = candidate(passing, plan_raw(project, place, landed_digest(passing, path)), path, received.append)
        results = [result for result in sidecar.results if not OF_READING.fullmatch(result["rule_id"])]  # said as notes
        problems = list(sidecar.problems)
        if not problems and sidecar.content:
            claims = _claims(project, place, passing.store.path(place, sidecar.content))
            results += claims[0]
            problems += claims[1]
        return Trial(
            place=place,
            n_rows=sidecar.rows + sidecar.n_rejected_rows,
            n_set_aside=sidecar.n_rejected_rows,
            set_aside=_set_aside(passing, place, sidecar),
            results=results,
            problems=problems,
            notes=_notes(received, project.contracts[place.name]),
        )


def _notes(received: Sequence[Delivered], contract: Contract) -> list[str]:
    """What the reader says of the file, and of each column that the contract takes in."""
    names = {column.name for column in contract.columns}
    return [
        note
        for delivered in received
        for note in (
            *delivered.notes,
            *(f"column {name}: {text}" for name, text in delivered.column_notes.items() if name in names),
        )
    ]


def _set_aside(project: Project, place: Place, sidecar: Sidecar) -> dict[str, int]:
    if not sidecar.rejected_rows:
        return {}
    listed = pl.read_parquet(project.store.path(rejected_rows_place(place), sidecar.rejected_rows))
    return dict(sorted(Counter(listed["rule_id"]).items()))


def _claims(project: Project, place: Place, parquet: Path) -> tuple[list[dict[str, Any]], list[str]]:
    """Results and problems of the claims that a delivery of this table is judged by: about it, or about a table beside it."""
    results: list[dict[str, Any]] = []
    problems: list[str] = []
    for table in project.sources[place.source].waves[place.wave].tables:
        subject = replace(place, table=table)
        checks = [check for check in project.checks.get(table, ()) if subject == place or place.name in check.reads]
        lacking = {check.name: _lacking(project, place, {subject.name, *check.reads}) for check in checks}
        judged = tuple(check for check in checks if not lacking[check.name])
        verdicts = judge_claims(replace(project, checks={table: judged}), subject, {place: parquet})
        results += as_records(verdicts) + [_not_judged(name, tables) for name, tables in lacking.items() if tables]
        problems += problems_of(subject, verdicts)
    return results, problems


def _not_judged(check: str, lacking: Sequence[str]) -> dict[str, Any]:
    return {
        "rule_id": check,
        "severity": "reject",
        "status": "not_applicable",
        "n_checked": 0,
        "n_failed": 0,
        "description": Path(check).stem.partition("__")[2].replace("_", " "),
        "detail": f"not judged: nothing is accepted of {', '.join(lacking)}",
    }


def _lacking(project: Project, place: Place, tables: Collection[str]) -> list[str]:
    """The other raw tables among these of which nothing is accepted."""
    source = project.sources[place.source]
    others = sorted(name for name in tables if name.startswith("raw.") and name != place.name)
    sidecars = {name: project.store.accepted(raw_place(source, name, place.wave)) for name in others}
    return [name for name, sidecar in sidecars.items() if sidecar is None or sidecar.verdict != "accepted"]


def place_of(project: Project, path: Path, table: str | None, wave: str | None) -> Place:
    """The table, source and wave that a file delivers: as told, and otherwise by the file's name in the sources' files.

    Raises WrongUsage where several fit or none does, and says what to give.
    """
    wanted = table.removeprefix("raw.") if table else None
    if wanted and f"raw.{wanted}" not in project.contracts:
        raise WrongUsage(f"there is no contract of raw.{wanted}; there are: {', '.join(project.tables('raw'))}")
    declared = _declared(project)
    fitting = {place: file for place, file in declared.items() if wanted in (None, place.table) and wave in (None, place.wave)}
    if table or wave:
        if not fitting:
            raise WrongUsage(_nothing_declared(declared, wanted, wave))
        if len(fitting) == 1 and table:
            return next(iter(fitting))
    found = _by_name(fitting, path)
    if len(found) == 1:
        return found[0]
    if found:
        choices = "; ".join(f"--table {place.name} --wave {place.wave}" for place in found)
        raise WrongUsage(f"{path.name} may be several deliveries. Give one of: {choices}")
    tables = ", ".join(sorted({place.name for place in fitting}))
    waves = ", ".join(sorted({place.wave for place in fitting}))
    raise WrongUsage(
        f"no source has a file named {path.name}, so its table and wave cannot be told. Give --table (one of {tables}) "
        f"and --wave (one of {waves})."
    )


def _declared(project: Project) -> dict[Place, DeliveredFile]:
    return {
        Place("raw", table, source.source, name): file
        for source in project.sources.values()
        for name, wave in source.waves.items()
        for table, file in wave.tables.items()
    }


def _by_name(places: Mapping[Place, DeliveredFile], path: Path) -> list[Place]:
    """The places whose file has the longest common end with the path, at least the name, whatever case and Unicode form."""
    ours = [composed(part).lower() for part in path.absolute().parts]
    lengths = {
        place: _common_end(ours, [place.source.lower(), *(composed(part).lower() for part in Path(file.file).parts)])
        for place, file in places.items()
    }
    longest = max(lengths.values(), default=0)
    return [place for place, length in lengths.items() if length == longest and longest > 0]


def _common_end(ours: Sequence[str], theirs: Sequence[str]) -> int:
    n = 0
    while n < min(len(ours), len(theirs)) and ours[-1 - n] == theirs[-1 - n]:
        n += 1
    return n


def _nothing_declared(declared: Mapping[Place, DeliveredFile], table: str | None, wave: str | None) -> str:
    waves = [place.wave for place in declared if place.table == table]
    if table and not waves:
        return (
            f"no source delivers raw.{table}: name it in a file of data_contracts/sources, under waves: <wave>: tables: "
            f"{table}: {{file: ...}}"
        )
    if table:
        return f"raw.{table} has no wave {wave}; there are: {', '.join(waves)}"
    return f"no source has a wave {wave}; there are: {', '.join(sorted({place.wave for place in declared}))}"
