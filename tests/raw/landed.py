"""One delivery of a small source: the file of one number that tests replace, and what the store holds of it."""

import os
from pathlib import Path

import polars as pl

from pipelines.machine.settings import Settings
from pipelines.raw.take_in import Delivery, take_in
from pipelines.store import Acceptance, Place, Sidecar
from tests.atlas import Atlas

SOURCE, WAVE = "synthetic_case_control", "136-pairs"
PLACE = Place("raw", "synthetic_case_control_planted", SOURCE, WAVE)
FIRST = "9.34"
"""The number of the file as it was taken in."""


class Landed:
    """A project whose source has landed; `path` is the delivered file that holds one number."""

    def __init__(self, atlas: Atlas) -> None:
        self.atlas = atlas
        self.project = atlas.project
        self.path = atlas.settings.landing_folder / SOURCE / WAVE / "planted.csv"
        self.first = self.path.read_text(encoding="utf-8")

    def text(self, number: str) -> str:
        """The file with another number, of the same length."""
        assert self.first.count(FIRST) == 1
        return self.first.replace(FIRST, number)

    def land(self, number: str) -> None:
        """Put a file of this number into landing, as a provider would: beside, then renamed."""
        beside = self.path.with_name("planted.part")
        beside.write_text(self.text(number), encoding="utf-8")
        beside.replace(self.path)

    def rewrite(self, number: str) -> None:
        """Write the number into the file, which keeps its inode, its size and its time."""
        before = self.path.stat()
        with self.path.open("r+", encoding="utf-8") as file:
            file.write(self.text(number))
        os.utime(self.path, ns=(before.st_atime_ns, before.st_mtime_ns))
        after = self.path.stat()
        assert (after.st_ino, after.st_size, after.st_mtime_ns) == (before.st_ino, before.st_size, before.st_mtime_ns)

    def append(self) -> None:
        """Another record, as while a provider still writes."""
        with self.path.open("a", encoding="utf-8") as file:
            file.write(self.first.splitlines()[-1] + "\n")

    def with_limits(self, **limits: int) -> None:
        """The same project on a machine of other limits."""
        self.project = Atlas(self.atlas.folder).project
        settings = Settings(project=self.atlas.folder, **limits)  # type: ignore[arg-type]
        object.__setattr__(self.project, "settings", settings)

    def take_in(self) -> Delivery:
        return take_in(self.project, SOURCE, WAVE)

    @property
    def acceptance(self) -> Acceptance:
        return self.project.store.acceptance(SOURCE, WAVE)

    @property
    def number(self) -> str:
        """The number that is accepted."""
        accepted = self.project.store.accepted(PLACE)
        assert accepted
        return self.number_of(accepted)

    def number_of(self, sidecar: Sidecar) -> str:
        assert sidecar.content
        [number] = pl.read_parquet(self.project.store.path(PLACE, sidecar.content))["planted"]
        return f"{number:.2f}"

    def sidecars(self) -> set[Path]:
        return self.atlas.sidecars()
