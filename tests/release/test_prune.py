"""What is kept and what goes: on stores and releases that are made of small files, night after night."""

import hashlib
import json
import os
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from pipelines.machine.files import replace_text
from pipelines.machine.settings import Settings
from pipelines.project.project import Project
from pipelines.release.kept import hold_file, manifests, point_to
from pipelines.release.prune import Pruned, prune
from pipelines.stages import load_project
from pipelines.store import Acceptance, Place, Rejection, Sidecar, Store
from pipelines.store.sweep import sweep

RAW = Place("raw", "people", "survey", "2020")
ASIDE = Place("meta", "rejected_rows", "survey", "2020.people")
CORE = Place("core", "respondents", "survey", "2020")

START = datetime(2026, 1, 1, 4, tzinfo=UTC)
WEEK = timedelta(days=7)


def sha(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def put_object(store: Store, place: Place, text: str) -> str:
    path = store.path(place, sha(text))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return sha(text)


def make(store: Store, place: Place, text: str, *, verdict: str = "accepted", **fields: Any) -> Sidecar:
    """An object and its sidecar, as if a recipe of this text had led to it."""
    content = put_object(store, place, text)
    made = {"table": place.name, "source": place.source, "wave": place.wave, "recipe": sha(f"recipe {place} {text}")}
    sidecar = Sidecar.model_validate(
        {"ingredients": {}, "inputs": {}, **made, "content": content, "rows": 1, "verdict": verdict, **fields}
    )
    store.record(place, sidecar)
    return sidecar


def accept(store: Store, *sidecars: tuple[Place, Sidecar], rejected: tuple[Place, Sidecar] | None = None) -> None:
    rejections = {}
    if rejected:
        recipes = {rejected[0].name: rejected[1].recipe}
        rejections["raw"] = Rejection(cause="delivery", problems=["cut"], recipes=recipes, rejected_at=START)
    tables = {place.name: sidecar.recipe for place, sidecar in sidecars}
    store.set_acceptance("survey", "2020", Acceptance(tables=tables, rejections=rejections))


def files(store: Store) -> set[str]:
    return {path.read_text(encoding="utf-8") for path in store.root.rglob("*.parquet")}


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


def test_what_is_accepted_stays_with_all_that_it_was_made_from(store: Store) -> None:
    aside = put_object(store, ASIDE, "set aside")
    raw = make(store, RAW, "people", rejected_rows=aside)
    core = make(store, CORE, "respondents", inputs={str(RAW): raw.content})
    newer = make(store, RAW, "people of tomorrow")
    accept(store, (RAW, newer), (CORE, core))  # the select failed on the newer delivery
    make(store, RAW, "people of long ago")
    sweep(store, [], START, WEEK)
    swept = sweep(store, [], START + WEEK, WEEK)
    assert files(store) == {"people", "respondents", "people of tomorrow", "set aside"}
    assert (len(swept.removed), swept.n_waiting) == (2, 0)
    assert store.accepted(CORE) == core
    assert store.sidecar_of_content(RAW, raw.content or "") == raw


def test_what_an_ingredient_names_stays_with_the_sidecar_that_explains_it(store: Store) -> None:
    earlier, now = make(store, RAW, "earlier"), make(store, RAW, "now")
    compared = Place("drift", "people", "survey", "2020")
    judged = make(store, compared, "compared", ingredients={"previous delivery": earlier.content or ""})
    accept(store, (RAW, now), (compared, judged))
    sweep(store, [], START, timedelta(0))
    assert files(store) == {"earlier", "now", "compared"}
    assert store.sidecar_of_content(RAW, earlier.content or "") == earlier


def test_the_grace_period_begins_when_nothing_needs_a_file_any_more(store: Store) -> None:
    old, new = make(store, RAW, "old"), make(store, RAW, "new")
    accept(store, (RAW, old))
    sweep(store, [(RAW, new.recipe)], START, WEEK)
    accept(store, (RAW, new))
    sweep(store, [], START + 100 * WEEK, WEEK)
    sweep(store, [], START + 101 * WEEK - timedelta(seconds=1), WEEK)
    assert files(store) == {"old", "new"}
    sweep(store, [], START + 101 * WEEK, WEEK)
    assert files(store) == {"new"}


def test_a_file_that_is_needed_again_waits_anew(store: Store) -> None:
    old, new = make(store, RAW, "old"), make(store, RAW, "new")
    for day, accepted in ((0, new), (6, old), (8, new), (14, new)):
        accept(store, (RAW, accepted))
        sweep(store, [], START + timedelta(days=day), WEEK)
    assert files(store) == {"old", "new"}
    sweep(store, [], START + timedelta(days=15), WEEK)
    assert files(store) == {"new"}


def test_a_file_that_is_made_again_after_its_removal_waits_anew(store: Store) -> None:
    make(store, RAW, "old")
    sweep(store, [], START, WEEK)
    sweep(store, [], START + WEEK, WEEK)
    assert files(store) == set()
    make(store, RAW, "old")
    sweep(store, [], START + WEEK, WEEK)
    assert files(store) == {"old"}
    sweep(store, [], START + 2 * WEEK, WEEK)
    assert files(store) == set()


def test_a_candidate_stays_while_its_rejection_stands(store: Store) -> None:
    good, bad = make(store, RAW, "good"), make(store, RAW, "bad", verdict="rejected")
    accept(store, (RAW, good), rejected=(RAW, bad))
    sweep(store, [], START, WEEK)
    sweep(store, [], START + WEEK, WEEK)
    assert files(store) == {"good", "bad"}
    accept(store, (RAW, good))
    sweep(store, [], START + WEEK, WEEK)
    sweep(store, [], START + 2 * WEEK, WEEK)
    assert files(store) == {"good"}


def test_a_dry_run_removes_and_notes_nothing(store: Store) -> None:
    make(store, RAW, "old")
    swept = sweep(store, [], START, timedelta(0), dry_run=True)
    assert len(swept.removed) == 2
    assert swept.n_bytes > len("old")
    assert files(store) == {"old"}
    assert [path for path in store.root.iterdir() if path.is_file()] == []


def test_other_files_in_the_store_are_left_alone(store: Store) -> None:
    make(store, RAW, "old")
    note = store.folder(RAW) / "note.json"
    note.write_text("{}", encoding="utf-8")
    sweep(store, [], START, timedelta(0))
    assert [path for path in store.root.rglob("*") if path.is_file() and path.name != "unneeded.json"] == [note]


@pytest.fixture(scope="module")
def loaded() -> Project:
    return load_project()


@pytest.fixture
def project(loaded: Project, tmp_path: Path) -> Project:
    """The project with an empty warehouse that keeps three releases and a week of grace."""
    study = loaded.study.model_copy(update={"retention": loaded.study.retention.model_copy(update={"releases": 3})})
    return replace(loaded, settings=Settings(warehouse=tmp_path / "warehouse"), study=study)


def release(project: Project, night: int, *objects: tuple[Place, Sidecar]) -> str:
    """A release of some objects that readers see from now on."""
    when = START + timedelta(days=night)
    release_id = f"{when.date()}.1-{night:08x}"
    entries = [{"place": str(place), "recipe": sidecar.recipe, "content": sidecar.content} for place, sidecar in objects]
    manifest = {
        "release_id": release_id,
        "sequence": 1,
        "published_at": when.isoformat(),
        "content_hash": "",
        "objects": entries,
        "rests_on": [],
        "files": {},
    }
    folder = project.settings.warehouse_folder / "releases" / release_id
    folder.mkdir(parents=True)
    (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    (folder / "epi.duckdb").write_text("x" * 1_000, encoding="utf-8")
    if not hold_file(project).exists():
        point_to(project, release_id)
    return release_id


def night_of_news(project: Project, night: int) -> Pruned:
    """A delivery and its respondents, now and then a rejected candidate or a kill; then the pruning that ends a night."""
    store, warehouse = project.store, project.settings.warehouse_folder
    raw = make(store, RAW, f"people {night}", rejected_rows=put_object(store, ASIDE, f"aside {night}"))
    core = make(store, CORE, f"respondents {night}", inputs={str(RAW): raw.content})
    bad = (RAW, make(store, RAW, f"bad {night}", verdict="rejected")) if night % 3 == 0 else None
    accept(store, (RAW, raw), (CORE, core), rejected=bad)
    if night % 4 == 0:
        for path in (warehouse / "spill" / f"duckdb_{night}.tmp", store.folder(RAW) / f".making-{night}.parquet"):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("y" * 1_000, encoding="utf-8")
        (warehouse / "releases" / f".building-{night}" / "report").mkdir(parents=True)
    release(project, night, (RAW, raw), (CORE, core))
    return prune(project, now=START + timedelta(days=night))


def size(project: Project) -> tuple[int, int]:
    """Files and bytes of the warehouse."""
    paths = [path for path in project.settings.warehouse_folder.rglob("*") if path.is_file() and not path.is_symlink()]
    return len(paths), sum(path.stat().st_size for path in paths)


def test_two_hundred_nights_with_news_need_no_more_room_than_a_month(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "fsync", lambda _: None)
    sizes = []
    for night in range(200):
        night_of_news(project, night)
        sizes.append(size(project))
    steady = sizes[20:32]
    assert max(n_files for n_files, _ in sizes[32:]) <= max(n_files for n_files, _ in steady)
    # hashes and names are as long on every night; only the numbers in texts grow by a digit or two
    assert max(n_bytes for _, n_bytes in sizes[32:]) <= max(n_bytes for _, n_bytes in steady) + 500
    assert len(manifests(project)) == 3
    assert {"people 199", "people 198", "people 197"} <= files(project.store)


def test_a_rollback_holds_its_release_and_its_objects_through_many_nights(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "fsync", lambda _: None)
    night_of_news(project, 0)
    first = manifests(project)[0]["release_id"]
    replace_text(hold_file(project), json.dumps({"release_id": first, "since": START.isoformat()}))
    for night in range(1, 40):
        night_of_news(project, night)
    assert manifests(project)[0]["release_id"] == first
    assert len(manifests(project)) == 4
    assert {"people 0", "respondents 0", "aside 0"} <= files(project.store)
    assert "people 20" not in files(project.store)


def test_a_dry_run_names_releases_and_leftovers_and_removes_nothing(project: Project) -> None:
    for night in range(4):
        release(project, night)
    (project.settings.warehouse_folder / "releases" / ".building-x").mkdir()
    ledger = project.settings.warehouse_folder / "disclosed" / "cohort" / "0001"
    ledger.mkdir(parents=True)
    (ledger / ".making-x.tmp").touch()
    before = sorted(project.settings.warehouse_folder.rglob("*"))
    pruned = prune(project, dry_run=True)
    assert pruned.releases == [f"{START.date()}.1-00000000"]
    assert [path.name for path in pruned.leftovers] == [".making-x.tmp", ".building-x"]
    assert pruned.n_bytes > 1_000
    assert [path for path in sorted(project.settings.warehouse_folder.rglob("*")) if path.name != ".lock"] == before


def test_a_removal_that_is_killed_leaves_no_half_release_and_the_next_one_ends_it(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    for night in range(4):
        release(project, night)

    def killed(folder: Path) -> None:
        (folder / "manifest.json").unlink()
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("pipelines.release.prune.shutil.rmtree", killed)
        with pytest.raises(KeyboardInterrupt):
            prune(project)
    releases = project.settings.warehouse_folder / "releases"
    assert len(manifests(project)) == 3
    assert len([path for path in releases.iterdir() if path.name.startswith(".removing-")]) == 1
    prune(project)
    assert sorted(path.name for path in releases.iterdir()) == [manifest["release_id"] for manifest in manifests(project)]
