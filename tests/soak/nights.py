"""A small project that has something new to do each night, and what can be told of its warehouse afterwards."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

import duckdb

from pipelines.release.kept import manifest_of
from pipelines.release.verify import verify
from tests.atlas import Atlas

KEPT_RELEASES = 3
HASH = re.compile(r"\b[0-9a-f]{64}\b")
UNFINISHED = (".making-", ".building-", ".removing-")

Fingerprint = dict[str, tuple[int, int]]
"""Table -> number of rows and sum of their hashes."""


def substitute(path: Path, pattern: str, text: str) -> None:
    """Replace the one place of a file that matches."""
    changed, n_changed = re.subn(pattern, text, path.read_text(encoding="utf-8"), count=1, flags=re.MULTILINE)
    assert n_changed == 1, f"{pattern} is not in {path}"
    path.write_text(changed, encoding="utf-8")


def keep_little(atlas: Atlas) -> None:
    """Few releases, and nothing for longer than something needs it: what is left over after pruning is an orphan."""
    substitute(atlas.folder / "study.yaml", r"^  releases: \d+$", f"  releases: {KEPT_RELEASES}")
    substitute(atlas.folder / "study.yaml", r"^  grace_days: \d+$", "  grace_days: 0")


def new_words(atlas: Atlas, night: int) -> None:
    """A new release without a table to make: a title in meta.sources and a description in meta.columns name the night."""
    substitute(atlas.folder / "data_contracts/sources/nhanes.yaml", r"^title: .*$", f"title: Night {night}")
    contract = atlas.folder / "data_contracts/meta/sources.odcs.yaml"
    substitute(contract, r"^    description: (Its full name\.|Night \d+)$", f"    description: Night {night}")


def new_estimates(atlas: Atlas, night: int) -> None:
    """All intervals differ: every report table is estimated anew."""
    substitute(atlas.folder / "study.yaml", r"^confidence_level: .*$", f"confidence_level: {0.5 + night % 400 / 1000}")


def new_delivery(atlas: Atlas, night: int) -> None:
    """Other people: everything of their source is made anew, from the delivery on. Every second time it is the survey."""
    source = "synthetic_survey" if night // 2 % 2 else "synthetic_case_control"
    substitute(atlas.folder / f"data_contracts/sources/{source}.yaml", r"^  seed: \d+$", f"  seed: {night}")


def start_refresh(atlas: Atlas, output: Path, variables: Mapping[str, str] = MappingProxyType({})) -> subprocess.Popen[bytes]:
    """`cramp-atlas refresh` in a process group of its own; what it says goes into the file."""
    ours = {"CRAMP_ATLAS_PROJECT": str(atlas.folder), "DAGSTER_HOME": str(atlas.folder / ".dagster")}
    environment = {**os.environ, **ours, **variables}
    command = [str(Path(sys.executable).with_name("cramp-atlas")), "refresh"]
    with output.open("wb") as file:
        return subprocess.Popen(command, env=environment, stdout=file, stderr=subprocess.STDOUT, start_new_session=True)


def fingerprint(atlas: Atlas) -> Fingerprint:
    """What the tables with data of the current release hold."""
    with duckdb.connect(str(atlas.warehouse / "epi.duckdb"), read_only=True) as connection:
        tables = connection.sql(
            "select schema_name || '.' || table_name from duckdb_tables() where schema_name in ('raw', 'core', 'report')"
        ).fetchall()
        found = {name: connection.sql(f"select count(*), sum(hash(t)) from {name} as t").fetchall()[0] for (name,) in tables}
    return {name: (int(rows), int(total or 0)) for name, (rows, total) in found.items()}


def problems_of_release(atlas: Atlas) -> list[str]:
    """What `cramp-atlas releases verify` says of the release that readers see."""
    project = atlas.project
    return verify(project, manifest_of(project))


def orphans(atlas: Atlas) -> list[str]:
    """What nothing needs, after pruning: found from the files alone, without what pruning itself goes by."""
    warehouse = atlas.warehouse
    unfinished = [path for path in warehouse.rglob("*") if path.name.startswith(UNFINISHED) or path.name.endswith(".fresh")]
    spilled = list((warehouse / "spill").glob("*"))
    releases = [path for path in (warehouse / "releases").iterdir() if path.is_dir()]
    broken = [path for path in releases if not (path / "manifest.json").is_file()]
    too_many = releases if len(releases) > KEPT_RELEASES else []
    return [str(path.relative_to(warehouse)) for path in [*unfinished, *spilled, *broken, *too_many, *_unreferenced(warehouse)]]


def _unreferenced(warehouse: Path) -> list[Path]:
    """Files of the store that are named neither by what is accepted nor by a release, nor by a sidecar that is."""
    texts = {path: path.read_text(encoding="utf-8") for path in (warehouse / "store").glob("*/*/*/*/*.json")}
    contents = {path: json.loads(text)["content"] for path, text in texts.items()}
    roots = [*(warehouse / "store/accepted").rglob("*.json"), *(warehouse / "releases").glob("*/manifest.json")]
    named = {name for path in roots for name in HASH.findall(path.read_text(encoding="utf-8"))}
    waiting = set(texts)
    while reached := {path for path in waiting if path.stem in named or contents[path] in named}:
        waiting -= reached
        named |= {name for path in reached for name in HASH.findall(texts[path])}
    objects = (warehouse / "store").glob("*/*/*/*/*.parquet")
    return [*waiting, *(path for path in objects if path.stem not in named)]
