"""Large tables of a release are views over the store: the same rows, nothing copied, pinned, checked, and found when moved."""

import shutil
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest

from pipelines.machine.settings import Settings
from pipelines.project.project import Project
from pipelines.release.composition import compose
from pipelines.release.damage import standing_damage
from pipelines.release.disclosure.register import MANIFEST_OF_VIEWS
from pipelines.release.export import export
from pipelines.release.kept import manifest_of, manifests
from pipelines.release.prune import prune
from pipelines.release.publish import publish
from pipelines.release.verify import verify
from pipelines.release.views import selects_of, viewed_files, views_of
from pipelines.release.whereabouts import VIEWS, variables_of
from pipelines.stages import load_project
from pipelines.store import Acceptance
from pipelines.terminal.queries import prompt_command
from tests.atlas import Atlas

ROWS = 1_000
"""The synthetic survey has 3,000 people."""

SURVEY = "raw.synthetic_survey_respondents"


def project_of(atlas: Atlas) -> Project:
    return load_project(Settings(project=atlas.folder, views_above_rows=ROWS))


@pytest.fixture(scope="module")
def viewed(published_synthetic: Atlas, tmp_path_factory: pytest.TempPathFactory) -> Atlas:
    """Published twice: with all tables copied, and with the large ones as views. Read only."""
    atlas = published_synthetic.copy(tmp_path_factory.mktemp("viewed") / "project")
    assert publish(project_of(atlas)).is_new
    return atlas


@pytest.fixture
def ours(viewed: Atlas, tmp_path: Path) -> Atlas:
    """The same, to change; its views lead to where it was copied from until it is published."""
    atlas = viewed.copy(tmp_path / "project")
    assert publish(project_of(atlas)).is_new
    return atlas


def database(atlas: Atlas, number: int) -> Path:
    release = str(manifests(atlas.project)[number]["release_id"])
    return atlas.warehouse / "releases" / release / "epi.duckdb"


def tables(path: Path, before: str = "") -> dict[str, pa.Table]:
    """All raw and core tables with their rows, sorted, and their types."""
    with duckdb.connect(str(path), read_only=True) as connection:
        connection.execute(before)
        names = connection.sql("select table_schema || '.' || table_name from information_schema.tables").fetchall()
        return {
            name: connection.sql(f"select * from {name} order by all").to_arrow_table()
            for (name,) in names
            if name.startswith(("raw.", "core."))
        }


def comments(path: Path) -> list[tuple[str, str, str]]:
    of_tables = "select schema_name, table_name, comment from duckdb_tables()"
    of_views = "select schema_name, view_name, comment from duckdb_views() where not internal"
    of_columns = "select schema_name, table_name || '.' || column_name, comment from duckdb_columns() where not internal"
    with duckdb.connect(str(path), read_only=True) as connection:
        return connection.sql(f"{of_tables} union all {of_views} union all {of_columns} order by all").fetchall()


def views(path: Path) -> set[str]:
    with duckdb.connect(str(path), read_only=True) as connection:
        found = connection.sql("select schema_name || '.' || view_name from duckdb_views() where not internal").fetchall()
    return {name for (name,) in found}


def test_a_view_has_the_rows_types_and_comments_of_the_copy(viewed: Atlas) -> None:
    copied, by_views = database(viewed, 0), database(viewed, 1)
    rows = tables(copied)
    large = {name for name, table in rows.items() if table.num_rows > ROWS}
    assert large >= {"core.respondents", SURVEY}
    assert (views(copied), views(by_views)) == (set(), large)
    assert tables(by_views) == rows
    assert comments(by_views) == comments(copied)
    assert by_views.stat().st_size < copied.stat().st_size


def test_small_tables_and_the_public_file_are_copied_as_ever(viewed: Atlas, published_synthetic: Atlas) -> None:
    assert views(database(viewed, 1).with_name("epi_public.duckdb")) == set()
    copied, by_views = manifests(viewed.project)
    assert set(by_views) - set(copied) == set(MANIFEST_OF_VIEWS) == {VIEWS}
    assert not publish(published_synthetic.project).is_new
    assert variables_of(database(viewed, 0)) == []


def test_a_release_with_views_is_published_once_and_verifies(viewed: Atlas) -> None:
    project = project_of(viewed)
    assert not publish(project).is_new
    assert verify(project, manifest_of(project)) == []
    assert standing_damage(project) == []


def test_what_a_kept_release_reads_is_never_collected(ours: Atlas) -> None:
    project = project_of(ours)
    before = tables(ours.warehouse / "epi.duckdb")
    for source in project.sources.values():
        for wave in source.waves:
            project.store.set_acceptance(source.source, wave, Acceptance())
        project.store.set_acceptance(source.source, "all", Acceptance())
    for days in (0, 1_000):
        prune(project, now=datetime.now(UTC) + timedelta(days=days))
    assert tables(ours.warehouse / "epi.duckdb") == before


@pytest.mark.parametrize("damage", ["gone", "damaged"])
def test_an_object_that_a_view_reads_is_checked_as_what_readers_see(ours: Atlas, damage: str) -> None:
    project = project_of(ours)
    manifest = manifest_of(project)
    path = next(path for path, table in viewed_files(project, manifest).items() if table == SURVEY)
    content = path.read_bytes()
    path.unlink()
    if damage == "damaged":
        path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
        path.chmod(0o444)
    [told] = [problem for problem in verify(project, manifest) if f"{SURVEY} of epi.duckdb is a view over it" in problem]
    assert f"is {damage}" in told
    assert "refresh" in told
    assert any(
        f"which {SURVEY} of epi.duckdb reads from the store, is {damage}" in problem for problem in standing_damage(project)
    )


def test_a_warehouse_that_was_moved_is_told_and_found(ours: Atlas) -> None:
    before = tables(ours.warehouse / "epi.duckdb")
    atlas = Atlas(ours.folder.rename(ours.folder.with_name("moved")))
    project, path = project_of(atlas), atlas.warehouse / "epi.duckdb"
    with pytest.raises(duckdb.IOException, match="No files found"):
        tables(path)
    [variable] = variables_of(path)
    assert tables(path, variable) == before
    assert prompt_command(path)[2:4] == ["-cmd", variable]
    [told] = [problem for problem in verify(project, manifest_of(project)) if "lead to" in problem]
    assert str(ours.folder) in told
    assert variable in told
    assert publish(project).is_new
    assert tables(path) == before
    assert verify(project, manifest_of(project)) == []


def test_an_export_with_microdata_needs_no_store(ours: Atlas, tmp_path: Path) -> None:
    before = tables(ours.warehouse / "epi.duckdb")
    told = comments(ours.warehouse / "epi.duckdb")
    export(project_of(ours), tmp_path / "export", microdata=True)
    export(project_of(ours), tmp_path / "public")
    shutil.rmtree(ours.warehouse)
    moved = tmp_path / "export" / "epi.duckdb"
    assert views(moved) == set()
    assert tables(moved) == before
    assert comments(moved) == told
    assert not list((tmp_path / "public").glob("*.duckdb"))


def test_people_who_are_withheld_are_behind_no_view(viewed: Atlas) -> None:
    project = project_of(viewed)
    withheld = {"classification": "restricted", "microdata": "withheld"}
    sources = {**project.sources, "synthetic_survey": project.sources["synthetic_survey"].model_copy(update=withheld)}
    objects = compose(project)
    hidden = replace(project, sources=sources, settings=project.settings.model_copy(update={"views_above_rows": 0}))
    told = views_of(hidden, objects)
    assert "core.respondents" in told[VIEWS]["tables"]
    assert SURVEY not in told[VIEWS]["tables"]
    assert not [file for files in told[VIEWS]["tables"].values() for file in files if "/synthetic_survey/" in file]
    assert not [select for select in selects_of(told).values() if "/synthetic_survey/" in select]
