"""Puts the study of this project into the wheel, as a template of `cramp-atlas init`. Everything else is in pyproject.toml."""

import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

STUDY = "study.yaml", "dagster.yaml", "workspace.yaml", "data_contracts", "sql"


class WithStudy(build_py):
    def run(self):
        super().run()
        if self.editable_mode:
            return
        folder = Path(self.build_lib) / "pipelines" / "authoring" / "studies" / "nocturnal-leg-cramps"
        for part in STUDY:
            if Path(part).is_dir():
                shutil.copytree(part, folder / part, dirs_exist_ok=True)
            else:
                folder.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(part, folder / part)


setup(cmdclass={"build_py": WithStudy})
