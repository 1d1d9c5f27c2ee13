"""What has arrived in landing: which deliveries are whole, quiet, and not judged yet. Nothing is read of a file but its hash."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel

from pipelines.landing.finding import digest_of, find_file
from pipelines.machine.disk import FAULTS
from pipelines.machine.errors import StoreDamaged
from pipelines.project.project import Project
from pipelines.project.sources import Source
from pipelines.store import Place, digest
from pipelines.store.places import WHOLE_DELIVERY

UNFINISHED = (".part", ".tmp", ".filepart")
"""How the names of files end that a copying program renames when it has finished; those with a dot in front are such, too."""

NOT_LOOKED_AT = "{source}: its files cannot be looked at ({why})"


class Seen(BaseModel):
    """What a look found, kept for the next one: `<source>/<file>` -> `size:mtime_ns:ctime_ns`; source -> since when its files are
    as they are, in seconds since 1970; file -> its sign and, where it was worth computing, its SHA-256."""

    files: dict[str, str] = {}
    unchanged_since: dict[str, float] = {}
    hashes: dict[str, tuple[str, str]] = {}


@dataclass(frozen=True)
class Look:
    """`arrived` are sources with a whole delivery that was not judged yet, `waiting` says what is waited for.

    `key` is the same for the same files as long as nothing else has been judged of their sources.
    """

    seen: Seen
    arrived: list[str]
    waiting: list[str]
    key: str

    @property
    def is_due(self) -> bool:
        """A refresh takes in all of landing: it is due when something has arrived and nothing else is on its way."""
        return bool(self.arrived) and not self.waiting


def look(project: Project, before: Seen, now: float) -> Look:
    """Compare landing with the last look and with what the store has judged; `now` is in seconds since 1970.

    A source is waited for until none of its files, finished or not, has changed for `nightly.quiet_seconds`; then as long as
    a wave that was not judged as it is lacks a file that the source declares. Sources that are generated are left out.
    """
    seen = Seen()
    arrived: dict[str, object] = {}
    waiting: list[str] = []
    for source in project.sources.values():
        name, seconds = source.source, project.study.nightly.quiet_seconds
        try:
            files = {} if source.generator else dict(_files(project, source))
        except OSError as error:
            waiting.append(NOT_LOOKED_AT.format(source=name, why=error.strerror))
            continue
        if not files:
            continue
        is_same = files == {file: sign for file, sign in before.files.items() if file.startswith(f"{name}/")}
        since = min(before.unchanged_since.get(name, now), now) if is_same else now
        seen.files |= files
        seen.unchanged_since[name] = since
        seen.hashes |= {file: known for file, known in before.hashes.items() if known[0] == files.get(file)}
        if not is_same or now - since < seconds:
            waiting.append(f"{name}: its files are watched until none has changed for {seconds:g} s")
            continue
        try:
            news, missing = _compare(project, source, seen)
        except OSError as error:
            news, missing = {}, [NOT_LOOKED_AT.format(source=name, why=error.strerror)]
        waiting += missing
        if news:
            arrived[name] = news
    return Look(seen, list(arrived), waiting, digest(arrived))


def is_arriving(project: Project, source: Source, wave: str, now: float) -> bool:
    """Whether a file of the wave, finished or not, was written within `nightly.quiet_seconds`: it may be half of a delivery."""
    part = source.model_copy(update={"waves": {wave: source.waves[wave]}})
    try:
        ages = [now - int(sign.split(":")[1]) / 1e9 for _, sign in _files(project, part)]
    except OSError:  # what cannot be looked at cannot be read either, and who reads it says so
        return False
    return any(0 <= age < project.study.nightly.quiet_seconds for age in ages)


def _compare(project: Project, source: Source, seen: Seen) -> tuple[dict[str, object], list[str]]:
    """The waves that were not judged as they are, each with its files and what was judged; and the files that are missing."""
    news: dict[str, object] = {}
    missing = []
    for wave, declared in source.waves.items():
        paths = {table: find_file(project, Place("raw", table, source.source, wave)) for table in declared.tables}
        there = {table: _hash(project, path, seen) for table, path in paths.items() if path}
        judged = _judged(project, source.source, wave)
        if all(judged.get(table) == content for table, content in there.items()):
            continue
        news[wave] = {
            "files": {table: seen.files.get(_name(project, path)) for table, path in paths.items() if path},
            "judged": judged,
        }
        missing += [
            f"{source.source} {wave} waits for {declared.tables[table].file}" for table, path in paths.items() if path is None
        ]
    return news, missing


def _files(project: Project, source: Source) -> Iterator[tuple[str, str]]:
    """The declared files that are there, and unfinished ones beside where they are or will be."""
    places = [Place("raw", table, source.source, wave) for wave in source.waves for table in source.waves[wave].tables]
    found = {path for place in places if (path := find_file(project, place))}
    declared = [table.file for wave in source.waves.values() for table in wave.tables.values()]
    folders = {(project.settings.landing_folder / source.source / file).parent for file in declared}
    beside = [path for folder in folders if folder.is_dir() for path in folder.iterdir()]
    found |= {path for path in beside if path.name.startswith(".") or path.suffix in UNFINISHED}
    for path in sorted(found):
        try:
            status = path.stat()
        except OSError as error:
            if error.errno in FAULTS:
                raise
            continue  # renamed while we looked, or a link that leads nowhere
        yield _name(project, path), f"{status.st_size}:{status.st_mtime_ns}:{status.st_ctime_ns}"


def _name(project: Project, path: Path) -> str:
    return path.relative_to(project.settings.landing_folder).as_posix()


def _hash(project: Project, path: Path, seen: Seen) -> str:
    """SHA-256 of a file, computed once for each sign."""
    name = _name(project, path)
    sign = seen.files.get(name, "")
    known = seen.hashes.get(name)
    if known is None or known[0] != sign:
        settings = project.settings
        known = seen.hashes[name] = (sign, digest_of(path, settings.landing_folder, settings.reader_decompressed_limit))
    return known[1]


def _judged(project: Project, source: str, wave: str) -> dict[str, str]:
    """Table -> SHA-256 of the file that was judged last, be it rejected or accepted; nothing where that is damaged, so that a
    night judges anew."""
    try:
        acceptance = project.store.acceptance(source, wave)
    except StoreDamaged:
        return {}
    rejection = acceptance.rejections.get(WHOLE_DELIVERY)
    recipes = rejection.recipes if rejection else acceptance.tables
    sidecars = {
        name.removeprefix("raw."): project.store.sidecar(Place.parse(f"{name} {source} {wave}"), recipe)
        for name, recipe in recipes.items()
        if name.startswith("raw.")
    }
    return {table: sidecar.ingredients["delivery"] for table, sidecar in sidecars.items() if sidecar}
