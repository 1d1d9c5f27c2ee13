"""A landing folder of its own for each test, and reading from it with nothing written elsewhere."""

from collections.abc import Callable
from pathlib import Path

import pytest

from pipelines.landing.readers.delivered import Delivered, DeliveryUnreadable, NotReadNow, UnreadableHere
from pipelines.landing.readers.reading import read_delivery
from pipelines.machine.settings import Settings
from pipelines.project.form import Form
from tests.landing.readers.samples import MARKER

Read = Callable[..., Delivered]
Refusal = Callable[..., str]


@pytest.fixture
def landing(tmp_path: Path) -> Path:
    folder = tmp_path / "landing"
    folder.mkdir()
    return folder


@pytest.fixture
def read(tmp_path: Path) -> Read:
    """`read(path, limit=..., **form)`: the delivered file, with nothing left or changed beside it."""

    def read(path: Path, limits: dict[str, int] | None = None, within: Path | None = None, **form: str) -> Delivered:
        settings = Settings(project=tmp_path / "project", **(limits or {}))  # type: ignore[arg-type]
        before = _tree(tmp_path)
        try:
            return read_delivery(path, Form(**form), settings, within=within)
        finally:
            after = _tree(tmp_path)
            spill = tmp_path / "project" / "warehouse" / "spill"
            made = {path for path in after.keys() - before.keys() if path != spill and path not in spill.parents}
            assert not made
            assert all(after[path] == known for path, known in before.items() if path.is_file())

    return read


@pytest.fixture
def refusal(read: Read) -> Refusal:
    """What the error says, which names the file and shows nothing of it."""

    def refusal(path: Path, limits: dict[str, int] | None = None, within: Path | None = None, **form: str) -> str:
        with pytest.raises(DeliveryUnreadable) as raised:
            read(path, limits, within, **form)
        text = str(raised.value)
        assert path.name in text
        assert MARKER not in text
        assert raised.value.__cause__ is None
        rests_on_more = "raise CRAMP_ATLAS_READER_" in text or "catalogue of value labels" in text
        assert isinstance(raised.value, UnreadableHere) == (rests_on_more and not isinstance(raised.value, NotReadNow))
        return text

    return refusal


def _tree(folder: Path) -> dict[Path, tuple[int, int]]:
    return {path: (path.lstat().st_size, path.lstat().st_mtime_ns) for path in folder.rglob("*")}
