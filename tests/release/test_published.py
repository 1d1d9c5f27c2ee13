"""A published release: checked, damaged, gone back from and on. News are an edited description, which needs no refresh."""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from pipelines.machine.errors import CrampAtlasError
from pipelines.machine.lock import warehouse_lock
from pipelines.machine.sealed import sealed
from pipelines.release.kept import current_release, held_release, hold_file, manifest_of, manifest_problems, manifests
from pipelines.release.publish import publish
from pipelines.release.rollback import resume, roll_back
from pipelines.release.verify import verify
from pipelines.terminal.cli import app
from tests.atlas import Atlas
from tests.patience import PATIENCE_SECONDS

DESCRIPTION = "One row per column of every table."

runner = CliRunner()


def publish_news(atlas: Atlas, before: str, after: str) -> str:
    """Publish the same tables under an edited description of meta.columns; returns the id of the new release."""
    path = atlas.folder / "data_contracts/meta/columns.odcs.yaml"
    text = path.read_text(encoding="utf-8")
    assert before in text
    path.write_text(text.replace(before, after), encoding="utf-8")
    published = publish(atlas.project)
    assert published.is_new
    return published.release_id


def own_copy(path: Path, text: bytes | None = None) -> Path:
    """The file as one of this test alone: others may share its bytes by a hard link."""
    content = path.read_bytes() if text is None else text
    path.unlink()
    path.write_bytes(content)
    path.chmod(0o444)
    return path


def problems(atlas: Atlas) -> list[str]:
    return verify(atlas.project, manifest_of(atlas.project))


def store_object(atlas: Atlas, place: str) -> Path:
    [entry] = [entry for entry in manifest_of(atlas.project)["objects"] if entry["place"] == place]
    folder = atlas.warehouse / "store" / place.split(" ")[0].replace(".", "/") / "/".join(place.split(" ")[1:])
    return Path(folder / f"{entry['content']}.parquet")


PLACE = "report.trends synthetic_survey all"


def sidecar_of(atlas: Atlas) -> Path:
    [entry] = [entry for entry in manifest_of(atlas.project)["objects"] if entry["place"] == PLACE]
    return store_object(atlas, PLACE).with_name(f"{entry['recipe']}.json")


def unsealed(path: Path) -> dict[str, Any]:
    """What a sealed file holds, without its seal."""
    content = json.loads(path.read_text(encoding="utf-8"))
    del content["seal"]
    return dict(content)


def edit(path: Path) -> None:
    """What an editor leaves: the numbers of rows changed, the seal as it was."""
    path.write_text(re.sub(r'"rows": \d+', '"rows": 7', path.read_text(encoding="utf-8")), encoding="utf-8")


def append(path: Path) -> None:
    own_copy(path, path.read_bytes() + b"x")


def unlink(path: Path) -> None:
    path.unlink()


def make_writable(path: Path) -> None:
    own_copy(path).chmod(0o644)


def forge(path: Path) -> None:
    """A sidecar that names another select than the one that made the object, and was sealed again."""
    sidecar = unsealed(path)
    sidecar["ingredients"]["contract"] = "0" * 64
    path.write_text(sealed(json.dumps(sidecar)), encoding="utf-8")


Damage = Callable[[Path], None]


@pytest.mark.parametrize(
    ("file", "damage", "expected"),
    [
        (
            "current/epi.duckdb",
            append,
            "/epi.duckdb is not what was published (another SHA-256): let readers see another release",
        ),
        ("current/report/trends.parquet", unlink, "/report/trends.parquet is gone: let readers see another release"),
        ("current/report.html", make_writable, "/report.html can be written to: chmod a-w it"),
        ("current/manifest.json", make_writable, "/manifest.json can be written to: chmod a-w it"),
        ("current/epi.duckdb.wal", Path.touch, "epi.duckdb.wal: a write-ahead log of a published database"),
        ("current/notes.txt", Path.touch, "notes.txt is not part of the release: move it away"),
        ("epi.duckdb.wal", Path.touch, "warehouse/epi.duckdb.wal: a write-ahead log beside a published database: delete it"),
        ("epi.duckdb", unlink, "warehouse/epi.duckdb is no link to current/epi.duckdb"),
        ("object", append, f"of {PLACE} is damaged (another SHA-256 than its name)"),
        ("object", unlink, f"of {PLACE} is gone from the store: readers of the release are not affected"),
        ("sidecar", unlink, f"the sidecar of {PLACE} (recipe "),
        ("sidecar", forge, "does not say what it said when the release was published"),
        ("sidecar", append, "cannot be read, or was changed: cramp-atlas refresh makes it again"),
        ("sidecar", edit, "cannot be read, or was changed: cramp-atlas refresh makes it again"),
    ],
)
def test_each_damage_is_named_with_what_to_do(synthetic: Atlas, file: str, damage: Damage, expected: str) -> None:
    special = {"object": lambda: store_object(synthetic, PLACE), "sidecar": lambda: sidecar_of(synthetic)}
    damage(special[file]() if file in special else synthetic.warehouse / file)
    [problem] = problems(synthetic)
    assert expected in problem


def test_a_whole_release_has_no_problem(published_synthetic: Atlas) -> None:
    assert problems(published_synthetic) == []


def test_a_manifest_of_another_release_is_noticed(synthetic: Atlas) -> None:
    path = synthetic.warehouse / "current" / "manifest.json"
    own_copy(path, sealed(json.dumps(unsealed(path) | {"content_hash": "0" * 64})).encode())
    [problem] = problems(synthetic)
    assert "and its meta.releases name different contents" in problem


def test_verify_ends_with_1_where_something_is_wrong(synthetic: Atlas, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CRAMP_ATLAS_PROJECT", str(synthetic.folder))
    (synthetic.warehouse / "current" / "epi.duckdb").unlink()
    said = runner.invoke(app, ["releases", "verify"])
    assert said.exit_code == 1
    assert "1 problems (33 files, 53 objects of the store, the links)" in said.stdout


def tables(atlas: Atlas) -> dict[str, list[tuple[object, ...]]]:
    """Every row that readers see."""
    names = atlas.query("select schema_name || '.' || table_name from duckdb_tables() order by all")
    return {name: atlas.query(f"select * from {name} order by all") for (name,) in names}


def test_a_rollback_shows_the_tables_of_then_through_the_nights_until_it_is_resumed(synthetic: Atlas) -> None:
    first = current_release(synthetic.project)
    assert first is not None
    then = tables(synthetic)
    second = publish_news(synthetic, DESCRIPTION, "One row per column.")
    assert current_release(synthetic.project) == second
    roll_back(synthetic.project, first)
    assert tables(synthetic) == then
    third = publish_news(synthetic, "One row per column.", "One row a column.")
    assert current_release(synthetic.project) == first
    assert tables(synthetic) == then
    assert not publish(synthetic.project).is_current
    assert resume(synthetic.project) == third
    assert current_release(synthetic.project) == third
    assert held_release(synthetic.project) is None
    assert not publish(synthetic.project).is_new
    assert current_release(synthetic.project) == third
    assert len(manifests(synthetic.project)) == 3


def test_a_rollback_that_was_killed_before_the_link_was_set_is_finished_by_the_next_night(synthetic: Atlas) -> None:
    first = current_release(synthetic.project)
    second = publish_news(synthetic, DESCRIPTION, "One row per column.")
    hold_file(synthetic.project).write_text(json.dumps({"release_id": first, "since": "2026-01-01T00:00:00+00:00"}))
    assert current_release(synthetic.project) == second
    publish(synthetic.project)
    assert current_release(synthetic.project) == first


def test_a_hold_on_a_release_that_was_taken_away_holds_nobody(synthetic: Atlas) -> None:
    first = current_release(synthetic.project)
    assert first is not None
    second = publish_news(synthetic, DESCRIPTION, "One row per column.")
    roll_back(synthetic.project, first)
    shutil.rmtree(synthetic.warehouse / "releases" / first)
    publish(synthetic.project)
    assert current_release(synthetic.project) == second


def test_nobody_is_led_to_a_damaged_release(synthetic: Atlas) -> None:
    first = current_release(synthetic.project)
    assert first is not None
    append(synthetic.warehouse / "releases" / first / "epi.duckdb")
    second = publish_news(synthetic, DESCRIPTION, "One row per column.")
    with pytest.raises(CrampAtlasError, match=r"readers stay where they are:\n- .*epi\.duckdb is not what was published"):
        roll_back(synthetic.project, first)
    assert current_release(synthetic.project) == second
    assert held_release(synthetic.project) is None


def test_a_damaged_release_stops_no_later_one_which_is_not_compared_with_it(synthetic: Atlas) -> None:
    append(synthetic.warehouse / "current" / "report" / "trends.parquet")
    second = publish_news(synthetic, DESCRIPTION, "One row per column.")
    assert manifest_of(synthetic.project)["release_id"] == second
    assert manifest_of(synthetic.project)["compared_with"] is None
    assert synthetic.query("select count(*) from meta.release_changes") == [(0,)]


def test_a_manifest_that_cannot_be_read_is_named(synthetic: Atlas) -> None:
    path = synthetic.warehouse / "current" / "manifest.json"
    own_copy(path, path.read_bytes()[:100])
    words = r"manifest\.json is cut or overwritten: restore that release from a backup, or move its folder away"
    with pytest.raises(CrampAtlasError, match=words):
        manifest_of(synthetic.project)
    assert manifests(synthetic.project) == []
    [problem] = manifest_problems(synthetic.project)
    assert re.search(words, problem)


def test_a_rollback_names_the_releases_that_there_are(published_synthetic: Atlas) -> None:
    release = current_release(published_synthetic.project)
    with pytest.raises(CrampAtlasError, match=f"there is no release 2001-01-01.1-x; there are: {release}"):
        roll_back(published_synthetic.project, "2001-01-01.1-x")


def test_a_second_refresh_says_who_is_at_work(synthetic: Atlas) -> None:
    command = [str(Path(sys.executable).with_name("cramp-atlas")), "refresh"]
    environment = {"CRAMP_ATLAS_PROJECT": str(synthetic.folder), "DAGSTER_HOME": str(synthetic.folder / ".dagster"), "PATH": ""}
    with warehouse_lock(synthetic.warehouse):
        second = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=PATIENCE_SECONDS)
    assert second.returncode == 3
    assert "is at work on" in second.stdout
    assert "Traceback" not in second.stdout + second.stderr
