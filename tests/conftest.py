"""Projects that several tests share. They are made once; a test that changes one works on a copy."""

import fcntl
import gc
import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from tests.atlas import Atlas, add_part, make_atlas
from tests.nhanes_files import nhanes_folder

pytest_plugins = ["tests.contracts.fixtures"]

os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
"""As after `activate`: commands are printed by their name, wherever the checkout is."""

LONGEST = (
    "tests/night/test_daemon.py",
    "tests/browser/test_ui.py",
    "tests/dagster/test_refresh.py",
    "tests/nhanes",
    "tests/spark/test_same_rows.py",
    "tests/browser/test_markers_in_ui.py",
    "tests/test_markers.py",
    "tests/soak",
    "tests/test_add_a_survey.py",
    "tests/release/test_interruption.py",
    "tests/synthetic",
    "tests/fuzz",
)
"""What takes minutes, begun first: a worker has a file to itself, and the others would wait for it at the end."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: next((n for n, start in enumerate(LONGEST) if item.nodeid.startswith(start)), len(LONGEST)))


def pytest_collection_finish() -> None:
    """The tests themselves live until the end: no collection of garbage need look at them again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)


def shared(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], Atlas]) -> Atlas:
    """A project that one worker makes for all; the others wait for it."""
    base = factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / name
    folder.mkdir(exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "made").exists():
            make(folder / "project")
            (folder / "made").touch()
    return Atlas(folder / "project")


def refreshed_synthetic(folder: Path) -> Atlas:
    atlas = make_atlas(folder)
    assert atlas.refresh().success
    return atlas


def refreshed_events(folder: Path) -> Atlas:
    """The embedded sources of events, and few people in them."""
    atlas = make_atlas(folder, keeping=("sequences", "diary"))
    for name, people in (("synthetic_dispensings", 20_000), ("synthetic_diary", 12)):
        path = folder / "data_contracts" / "sources" / f"{name}.yaml"
        source = yaml.safe_load(path.read_text(encoding="utf-8"))
        source["generator"]["people"] = people
        path.write_text(yaml.safe_dump(source, sort_keys=False), encoding="utf-8")
    assert atlas.refresh().success
    return atlas


def refreshed_nhanes(folder: Path) -> Atlas:
    files = nhanes_folder()
    atlas = make_atlas(folder, keeping=["further exposures"])
    atlas.fetch_nhanes(str(files))
    assert atlas.refresh().success
    return atlas


@pytest.fixture(scope="session")
def published_synthetic(tmp_path_factory: pytest.TempPathFactory) -> Atlas:
    """The embedded default after one refresh. Read only."""
    return shared(tmp_path_factory, "synthetic", refreshed_synthetic)


@pytest.fixture(scope="session")
def published_events(tmp_path_factory: pytest.TempPathFactory) -> Atlas:
    """The embedded default with the register of dispensings and the diary after one refresh. Read only."""
    return shared(tmp_path_factory, "events", refreshed_events)


@pytest.fixture(scope="session")
def published_nhanes(tmp_path_factory: pytest.TempPathFactory) -> Atlas:
    """All three sources after one refresh, NHANES from its real files, with the further exposures. Read only."""
    return shared(tmp_path_factory, "nhanes", refreshed_nhanes)


@pytest.fixture(scope="session")
def published_evidence(tmp_path_factory: pytest.TempPathFactory, published_nhanes: Atlas) -> Atlas:
    """All three sources with the register of published estimates: what is made of it, after one more refresh. Read only."""

    def with_evidence(folder: Path) -> Atlas:
        atlas = published_nhanes.copy(folder)
        add_part(atlas, "evidence")
        assert atlas.refresh().success
        return atlas

    return shared(tmp_path_factory, "evidence", with_evidence)


@pytest.fixture
def synthetic(published_synthetic: Atlas, tmp_path: Path) -> Atlas:
    """The refreshed embedded default, to change."""
    return published_synthetic.copy(tmp_path / "project")


@pytest.fixture
def nhanes(published_nhanes: Atlas, tmp_path: Path) -> Atlas:
    """The refreshed project with NHANES, to change."""
    return published_nhanes.copy(tmp_path / "project")
