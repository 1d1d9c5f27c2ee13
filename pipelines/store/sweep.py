"""Which files of the store nothing needs any more, and removing them after a grace period. Only for who holds the lock.

Needed is what an accepted file names, accepted or rejected, what a caller names, and what these were made from. Nothing in
here knows what a release is.
"""

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from pipelines.machine.files import replace_text
from pipelines.store.acceptance import Acceptance
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


def sweep(store: Store, named: Iterable[tuple[Place, str]], now: datetime, grace: timedelta, *, dry_run: bool = False) -> Swept:
    """Remove what has not been needed for the grace period; `named` are places and recipes that are needed as well.

    The grace period counts from the first sweep that found a file unneeded, not from when it was made.
    """
    files = set(_files(store))
    needed = _needed(store, {*_accepted(store), *named}) & files
    since = _unneeded_since(store, files - needed, now)
    removed = sorted(path for path, first in since.items() if now - first >= grace)
    n_bytes = sum(path.stat().st_size for path in removed)
    if not dry_run:
        _remove(store, removed)
        waiting = {str(path.relative_to(store.root)): first.isoformat() for path, first in since.items() if path not in removed}
        if waiting or (store.root / UNNEEDED).exists():
            replace_text(store.root / UNNEEDED, json.dumps(waiting, indent=1, sort_keys=True))
    return Swept(len(needed), len(since) - len(removed), removed, n_bytes)


def _files(store: Store) -> Iterator[Path]:
    """Objects and sidecars: `<schema>/<table>/<source>/<wave>/<hash>`."""
    return (path for path in store.root.glob("*/*/*/*/*") if path.suffix in {".json", ".parquet"} and HASH.fullmatch(path.stem))


def _accepted(store: Store) -> Iterator[tuple[Place, str]]:
    """Places and recipes of what is accepted, and of the candidates that stand rejected."""
    for path in sorted(store.root.glob("accepted/*/*.json")):
        acceptance = Acceptance.model_validate_json(path.read_text(encoding="utf-8"))
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
        for content in set(HASH.findall(path.read_text(encoding="utf-8"))):
            for found in set(objects.get(content, [])) - needed:
                needed.add(found)
                holder = Place(*found.relative_to(store.root).parts[:4])
                if explains := store.recipe_of_content(holder, content):
                    waiting.append((holder, explains))
    return needed


def _unneeded_since(store: Store, files: Iterable[Path], now: datetime) -> dict[Path, datetime]:
    path = store.root / UNNEEDED
    known = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    names = {file: str(file.relative_to(store.root)) for file in files}
    return {file: datetime.fromisoformat(known[name]) if name in known else now for file, name in names.items()}


def _remove(store: Store, files: Iterable[Path]) -> None:
    """Sidecars first, because a sidecar without its object is made again; then folders that are left empty."""
    for path in sorted(files, key=lambda path: path.suffix):
        path.unlink()
        for folder in path.parents:
            if folder == store.root or any(folder.iterdir()):
                break
            folder.rmdir()
