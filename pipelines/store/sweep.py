"""Which files of the store nothing needs any more, and removing them after a grace period. Only for who holds the lock.

Needed is what an accepted file names, accepted or rejected, what a caller names, and what these were made from. Nothing in
here knows what a release is.
"""

import json
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from pipelines.machine.files import replace_text, set_aside
from pipelines.machine.sealed import Unsound, read_sealed, sealed
from pipelines.store.objects import Place, Store

UNNEEDED = "unneeded.json"
"""In the store: file -> since when nothing needs it."""

HASH = re.compile(r"\b[0-9a-f]{64}\b")


@dataclass(frozen=True)
class Swept:
    """Files of the store: needed, waiting for the end of their grace period, and removed with their bytes."""

    n_needed: int
    n_waiting: int
    removed: list[Path]
    n_bytes: int
    has_lost_note: bool = False
    """Whether nobody knows any more since when files are unneeded, so that every grace period begins anew."""


def sweep(
    store: Store,
    named: Iterable[tuple[Place, str]],
    now: datetime,
    grace: timedelta,
    *,
    contents: Collection[str] = (),
    dry_run: bool = False,
) -> Swept:
    """Remove what has not been needed for the grace period; `named` are places and recipes that are needed as well, `contents`
    objects whose sidecar may be lost.

    The grace period counts from the first sweep that found a file unneeded, not from when it was made.
    """
    files = set(_files(store))
    needed = _needed(store, {*_accepted(store), *named}) & files
    needed |= {path for path in files if path.stem in contents}
    known = _known(store.root / UNNEEDED)
    since = _unneeded_since(store, files - needed, known or {}, now)
    removed = sorted(path for path, first in since.items() if now - first >= grace)
    n_bytes = sum(path.stat().st_size for path in removed)
    if not dry_run:
        _remove(store, removed)
        waiting = {str(path.relative_to(store.root)): first.isoformat() for path, first in since.items() if path not in removed}
        if waiting or (store.root / UNNEEDED).exists():
            replace_text(store.root / UNNEEDED, sealed(json.dumps(waiting, sort_keys=True)))
    return Swept(len(needed), len(since) - len(removed), removed, n_bytes, known is None)


def _files(store: Store) -> Iterator[Path]:
    """Objects and sidecars: `<schema>/<table>/<source>/<wave>/<hash>`."""
    return (path for path in store.root.glob("*/*/*/*/*") if path.suffix in {".json", ".parquet"} and HASH.fullmatch(path.stem))


def _accepted(store: Store) -> Iterator[tuple[Place, str]]:
    """Places and recipes of what is accepted, and of the candidates that stand rejected."""
    for path in sorted(store.root.glob("accepted/*/*.json")):
        acceptance = store.acceptance(path.parent.name, path.stem)
        recipes = [
            *acceptance.tables.items(),
            *(item for held in acceptance.rejections.values() for item in held.recipes.items()),
        ]
        for name, recipe in recipes:
            yield Place.parse(f"{name} {path.parent.name} {path.stem}"), recipe


def _needed(store: Store, named: Iterable[tuple[Place, str]]) -> set[Path]:
    """The sidecars of what is named; every object whose hash stands in one of them, with the sidecar that explains it; and so on.

    An object is kept wherever it lies and whatever names it: records set aside lie in a folder of their own.
    """
    objects: dict[str, list[Path]] = {}
    for path in _files(store):
        if path.suffix == ".parquet":
            objects.setdefault(path.stem, []).append(path)
    needed = set[Path]()
    waiting = list(named)
    while waiting:
        place, recipe = waiting.pop()
        path = store.folder(place) / f"{recipe}.json"
        if path in needed or not path.exists():
            continue
        needed.add(path)
        for content in _named_in(path):
            for found in set(objects.get(content, [])) - needed:
                needed.add(found)
                holder = Place(*found.relative_to(store.root).parts[:4])
                if explains := store.recipe_of_content(holder, content):
                    waiting.append((holder, explains))
    return needed


def _named_in(sidecar: Path) -> set[str]:
    """The hashes that a sidecar names; of one that is not what was written, those of everything beside it."""
    try:
        return set(HASH.findall(json.dumps(read_sealed(sidecar))))
    except Unsound:
        return {path.stem for path in sidecar.parent.glob("*.parquet")}


def _unneeded_since(store: Store, files: Iterable[Path], known: Mapping[str, datetime], now: datetime) -> dict[Path, datetime]:
    """File -> the first sweep that found it unneeded; now where that is not known any more, or lies ahead of the clock."""
    names = {file: str(file.relative_to(store.root)) for file in files}
    return {file: min(known.get(name, now), now) for file, name in names.items()}


def _known(path: Path) -> dict[str, datetime] | None:
    """What earlier sweeps noted; None where the note cannot be read."""
    try:
        return {name: datetime.fromisoformat(first) for name, first in (read_sealed(path) or {}).items()}
    except (Unsound, TypeError, ValueError):
        return None


def _remove(store: Store, files: Iterable[Path]) -> None:
    """Sidecars first, because a sidecar without its object is made again; then folders that are left empty."""
    for path in sorted(files, key=lambda path: path.suffix):
        if path.is_dir():
            set_aside(path)
            continue
        path.unlink()
        for folder in path.parents:
            if folder == store.root or any(folder.iterdir()):
                break
            folder.rmdir()
