"""Dagster's SQLite files, kept open while a run is at work in this process.

Dagster makes an engine and a connection for each of the some seven hundred statements of a run and compiles each statement anew,
which took half of the time of a night without news.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import dagster._core.storage.event_log.sqlite.sqlite_event_log as event_log
import dagster._core.storage.runs.sqlite.sqlite_run_storage as run_storage
import sqlalchemy as sa
from sqlalchemy.pool import QueuePool

MODULES = (event_log, run_storage)
"""Whose `create_engine` is called once a statement."""


@contextmanager
def kept_open() -> Iterator[None]:
    """Within it there is one engine for each file; at its end all are closed, and Dagster works as it does by itself.

    Transactions are as short as before: another process can read and write between any two statements.
    """
    engines: dict[str, _Kept] = {}

    def engine_of(url: str, **settings: Any) -> _Kept:
        if url not in engines:
            engine = sa.create_engine(url, **settings | {"poolclass": QueuePool})
            engines[url] = _Kept(engine.pool, engine.dialect, engine.url)
        return engines[url]

    before = [module.create_engine for module in MODULES]
    try:
        for module in MODULES:
            vars(module)["create_engine"] = engine_of
        yield
    finally:
        for module, own in zip(MODULES, before, strict=True):
            vars(module)["create_engine"] = own
        for kept in engines.values():
            kept.close()


class _Kept(sa.Engine):
    """An engine that does not close its connections when Dagster is done with a statement."""

    def dispose(self, close: bool = True) -> None:
        """Dagster asks for it after each statement."""

    def close(self) -> None:
        super().dispose()
