"""The manifest of a release: what is in it, how that was made and how it was judged. It explains the release alone."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import polars as pl

from pipelines.machine.code import code_version
from pipelines.project.project import Project
from pipelines.release.disclosure.register import COUNTING_INGREDIENTS
from pipelines.release.kept import NUMBER, next_number, releases_folder
from pipelines.store import Place, Sidecar

MINIMUM_CELL = "minimum_cell"
"""In a manifest: the smallest count of people that was published of restricted sources. Older manifests do not say."""


def new_manifest(
    project: Project,
    objects: Mapping[Place, Sidecar],
    frames: Mapping[str, pl.DataFrame],
    content: str,
    known: list[dict[str, Any]],
    now: datetime,
) -> dict[str, Any]:
    """Everything but the hashes of the files, which are added when these are written. `known` are the releases before it."""
    today = now.date().isoformat()
    sequence = 1 + max((_sequence(path.name) for path in releases_folder(project).glob(f"{today}.*")), default=0)
    return {
        "release_id": f"{today}.{sequence}-{content[:8]}",
        "sequence": sequence,
        NUMBER: next_number(known),
        "published_at": now.isoformat(timespec="seconds"),
        "compared_with": known[-1]["release_id"] if known else None,
        "content_hash": content,
        "study": project.study.study,
        MINIMUM_CELL: project.study.disclosure.minimum_cell,
        "code": code_version(),
        "contracts": {name: contract.version for name, contract in sorted(project.released.items())},
        "rules": _rules(frames["meta.check_results"]),
        "rejected": _rejected(frames["meta.deliveries"]),
        "objects": [_entry(project, place, sidecar) for place, sidecar in objects.items()],
        "rests_on": [_entry(project, place, sidecar) for (place, _), sidecar in sorted(_older(project, objects).items())],
    }


def _sequence(release_id: str) -> int:
    """The number of a release among those of its day."""
    number = release_id.partition(".")[2].partition("-")[0]
    return int(number) if number.isdecimal() else 0


def _entry(project: Project, place: Place, sidecar: Sidecar) -> dict[str, Any]:
    """An object; of a restricted source without what counts records, or is the hash of few small numbers."""
    counts = {"rows": sidecar.rows, "n_rejected_rows": sidecar.n_rejected_rows, "rejected_rows": sidecar.rejected_rows}
    is_restricted = place.source in project.sources and project.sources[place.source].is_restricted
    left_out = COUNTING_INGREDIENTS if is_restricted else frozenset()
    return {
        "place": str(place),
        "content": sidecar.content,
        "recipe": sidecar.recipe,
        "verdict": sidecar.verdict,
        "made_at": sidecar.made_at.isoformat(timespec="seconds"),
        "ingredients": {name: value for name, value in sidecar.ingredients.items() if name not in left_out},
        "inputs": sidecar.inputs,
        **(dict.fromkeys(counts) if is_restricted else counts),
    }


def _older(project: Project, objects: Mapping[Place, Sidecar]) -> dict[tuple[Place, str], Sidecar]:
    """The objects that the release rests on and that are not in it: a table was held back at what was made from them."""
    older: dict[tuple[Place, str], Sidecar] = {}
    waiting = list(objects.values())
    while waiting:
        for text, content in waiting.pop().inputs.items():
            place = Place.parse(text)
            in_release = objects.get(place)
            if (place, content) in older or (in_release and in_release.content == content):
                continue
            older[place, content] = project.store.sidecar_of_content(place, content)
            waiting.append(older[place, content])
    return older


def _rules(check_results: pl.DataFrame) -> dict[str, int]:
    """How many rules were judged on the objects of the release: by status, and by severity where one did not pass."""
    verdict = pl.when(pl.col("status") == "failed").then(pl.format("failed ({})", "severity")).otherwise(pl.col("status"))
    counted = check_results.filter("is_in_release").group_by(verdict.alias("verdict")).len().sort("verdict")
    return dict(counted.iter_rows())


def _rejected(deliveries: pl.DataFrame) -> list[dict[str, Any]]:
    """What was held back when the release was published."""
    columns = ["source", "wave", "is_stale", "held_back", "cause"]
    return deliveries.filter(verdict="rejected").select(columns).sort("source", "wave").to_dicts()
