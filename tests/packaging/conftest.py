"""The wheel of this checkout, built once a worker and unpacked where no checkout is."""

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from pipelines.authoring.new_project import PARTS
from pipelines.machine.settings import REPOSITORY
from tests.patience import PATIENCE_SECONDS


class Installed:
    """The wheel, unpacked; what it needs is that of the tests."""

    def __init__(self, folder: Path) -> None:
        self.site, self.folder = folder / "site", folder
        build = "import sys; from setuptools import build_meta; build_meta.build_wheel(sys.argv[1])"
        subprocess.run(
            [sys.executable, "-c", build, str(folder)],
            cwd=self._source(),
            check=True,
            capture_output=True,
            timeout=PATIENCE_SECONDS,
        )
        [wheel] = folder.glob("*.whl")
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(self.site)

    def _source(self) -> Path:
        """What is committed, copied: a build leaves its own folders beside its sources."""
        source = self.folder / "source"
        source.mkdir()
        for name in ("setup.py", "pyproject.toml", "README.md", "LICENSE", "pipelines", *PARTS):
            copy = shutil.copytree if (REPOSITORY / name).is_dir() else shutil.copyfile
            copy(REPOSITORY / name, source / name)
        return source

    @property
    def environment(self) -> dict[str, str]:
        """Of a machine where nothing is set for a project; what is installed is found before this checkout."""
        ours = {name: value for name, value in os.environ.items() if not name.startswith(("CRAMP_ATLAS_", "DAGSTER_"))}
        return ours | {"PYTHONPATH": str(self.site)}

    def run(self, *arguments: str, where: Path, **settings: str) -> subprocess.CompletedProcess[str]:
        """A command as it is typed in a folder; `settings` are further variables of the environment."""
        return subprocess.run(
            [sys.executable, "-m", "pipelines.terminal.cli", *arguments],
            cwd=where,
            env=self.environment | settings,
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE_SECONDS,
        )


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Installed:
    return Installed(tmp_path_factory.mktemp("wheel"))
