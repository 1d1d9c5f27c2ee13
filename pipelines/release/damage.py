"""What of the warehouse is not what was written there, and mending it: what is accepted is taken from the newest release."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pipelines.machine.errors import StoreDamaged
from pipelines.machine.files import set_aside, sha256_of_file
from pipelines.machine.sealed import Unsound
from pipelines.project.project import Project
from pipelines.release.kept import current_problems, current_release, hold_problems, manifest_problems, manifests, releases_folder
from pipelines.release.views import damaged_views, moved
from pipelines.store import Acceptance, Place
from pipelines.store.acceptance import only_of, with_accepted
from pipelines.store.objects import ACCEPTED, is_whole, read_sidecar
from pipelines.store.places import GENERATOR, WHOLE_DELIVERY
from pipelines.store.sweep import HASH

AGAIN = "run cramp-atlas publish, which makes another release where it is the newest, or restore it from a backup"
REMAKE = "cramp-atlas refresh makes it again, if what it was made from is there; otherwise restore the store from a backup"


def standing_damage(project: Project) -> list[str]:
    """Everything that is damaged and that no command may pass over, a line each. The files that readers see are hashed."""
    return [*_beside_the_objects(project), *_of_accepted(project), *_of_current(project)]


def damage_beside(project: Project, manifest: dict[str, Any]) -> list[str]:
    """Everything that is damaged beside the files of a release and the objects that it names: the whole store is hashed."""
    entries = [*manifest["objects"], *manifest.get("rests_on", [])]
    named = {project.store.folder(Place.parse(entry["place"])) / f"{entry['recipe']}.json" for entry in entries}
    named |= {project.store.path(Place.parse(entry["place"]), str(entry["content"])) for entry in entries}
    return [*_beside_the_objects(project), *(words for path, words in _damaged_files(project, "*") if path not in named)]


def _beside_the_objects(project: Project) -> list[str]:
    lost = [words for source in project.sources for words in _lost(project, source).values()]
    return [*manifest_problems(project), *hold_problems(project), *current_problems(project), *lost]


def _of_accepted(project: Project) -> Iterator[str]:
    """What is wrong with the objects that are accepted, where it is known which they are."""
    for table in (name for name, contract in project.contracts.items() if contract.schema != "meta"):
        for place in project.places(table):
            try:
                names_it = place.name in project.store.acceptance(place.source, place.wave).tables
            except StoreDamaged:
                continue
            try:
                if names_it:
                    project.store.accepted(place)
            except StoreDamaged as error:
                yield str(error)


def damaged_files(project: Project, manifest: dict[str, Any]) -> list[str]:
    """The files of a release that are gone or not what was published; writable ones are whole."""
    folder = releases_folder(project) / manifest["release_id"]
    return [
        f"{folder.name}/{name} is not what was published"
        for name, content in manifest["files"].items()
        if not (folder / name).is_file() or sha256_of_file(folder / name) != content
    ]


def _of_current(project: Project) -> list[str]:
    current = current_release(project)
    seen = [manifest for manifest in manifests(project) if manifest["release_id"] == current]
    return [
        *(f"{words}, and readers see it: {AGAIN}" for manifest in seen for words in damaged_files(project, manifest)),
        *(words for manifest in seen for words in (*damaged_views(project, manifest), *moved(project, manifest))),
    ]


def mend(project: Project, source: str) -> list[str]:
    """Make good what is damaged of a source before its night; returns what was found, a line each.

    Damaged objects and sidecars are set aside and made again by who needs them. What is accepted and cannot be read, or names
    what is not there, is taken from the newest release: the night then judges what is in landing.
    """
    found = []
    _forget_what_is_gone(project, source)
    for path, words in list(_damaged_files(project, source)):
        set_aside(path)
        found.append(f"{words}; it is set aside")
    for wave, words in _lost(project, source).items():
        path = project.store.acceptance_path(source, wave)
        if path.exists():
            set_aside(path)
        project.store.set_acceptance(source, wave, _published(project, source, wave))
        found.append(f"{words}; it was taken from the newest release")
    return found


def _forget_what_is_gone(project: Project, source: str) -> None:
    """Lift the rejections of tables that were taken out of the project: nobody can mend them any more."""
    for path in sorted(project.store.root.glob(f"{ACCEPTED}/{source}/*.json")):
        try:
            acceptance = project.store.acceptance(source, path.stem)
        except StoreDamaged:
            continue
        project.store.set_acceptance(source, path.stem, only_of(acceptance, {WHOLE_DELIVERY, GENERATOR, *project.contracts}))


def _damaged_files(project: Project, source: str) -> Iterator[tuple[Path, str]]:
    """The objects and sidecars of a source that are not what was written, each with its words."""
    for path in sorted(project.store.root.glob(f"*/*/{source}/*/*")):
        if path.suffix not in {".json", ".parquet"} or not HASH.fullmatch(path.stem):
            continue
        place = Place(*path.relative_to(project.store.root).parts[:4])
        if path.suffix == ".parquet" and not is_whole(path, anew=True):
            yield path, f"the object {path.stem[:12]} of {place} is damaged (another SHA-256 than its name): {REMAKE}"
        if path.suffix == ".json" and not _is_sound(path):
            yield path, f"the sidecar {path.stem[:12]} of {place} is not what was written: {REMAKE}"


def _is_sound(sidecar: Path) -> bool:
    try:
        return read_sidecar(sidecar) is not None
    except Unsound:
        return False


def _lost(project: Project, source: str) -> dict[str, str]:
    """Wave -> what is lost of what is accepted of it."""
    lost = {}
    for wave, recipes in _in_newest(project, source).items():
        try:
            tables = project.store.acceptance(source, wave).tables
        except StoreDamaged as error:
            lost[wave] = str(error)
            continue
        names = [name for name in recipes if not _is_there(project, source, wave, name, tables.get(name))]
        if names:
            lost[wave] = (
                f"{project.store.acceptance_path(source, wave)} is gone or not that of {source} {wave}: what is accepted of "
                f"{', '.join(names)} is in the newest release and not in there: run cramp-atlas refresh"
            )
    for path in sorted(project.store.root.glob(f"{ACCEPTED}/{source}/*.json")):
        try:
            project.store.acceptance(source, path.stem)
        except StoreDamaged as error:
            lost[path.stem] = str(error)
    return lost


def _is_there(project: Project, source: str, wave: str, name: str, recipe: str | None) -> bool:
    """Whether the sidecar of an accepted recipe is in the store, be it damaged."""
    return recipe is not None and (project.store.folder(Place.parse(f"{name} {source} {wave}")) / f"{recipe}.json").exists()


def _in_newest(project: Project, source: str) -> dict[str, dict[str, str]]:
    """Wave -> table -> recipe of what the newest release holds of a source, where the project still has it and the store the
    sidecar: what is gone from there is no fault of what is accepted."""
    known = manifests(project)
    held: dict[str, dict[str, str]] = {}
    for entry in known[-1]["objects"] if known else []:
        place = Place.parse(entry["place"])
        names_it = place.source == source and place in project.places(place.name) if place.name in project.contracts else False
        if names_it and _is_there(project, source, place.wave, place.name, entry["recipe"]):
            held.setdefault(place.wave, {})[place.name] = str(entry["recipe"])
    return held


def _published(project: Project, source: str, wave: str) -> Acceptance:
    return with_accepted(Acceptance(), "", _in_newest(project, source).get(wave, {}))
