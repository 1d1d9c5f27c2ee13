"""What the tests of the downloader serve, ask for and look at."""

import json
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from pipelines.landing.fetch.fetching import FetchFailed, FetchReport, fetch

FOLDER = "Nchs/Data/Nhanes/Public/2005/DataFiles"
DEMO, SLQ = f"{FOLDER}/DEMO_D.xpt", f"{FOLDER}/SLQ_D.xpt"
OLD_DATE = "Tue, 01 Sep 2009 10:00:00 GMT"
NO_SUCH_PAGE = "\n<!DOCTYPE html><html><title>Page not found</title></html>"


def transport_file(seed: int, records: int = 50) -> bytes:
    """80-byte records behind the first one of a SAS transport file."""
    first = b"HEADER RECORD*******LIBRARY HEADER RECORD!!!!!!!000000000000000000000000000000  "
    return first + random.Random(seed).randbytes(80 * records)


BODY, OTHER_BODY, OLD_BODY = transport_file(1), transport_file(2), transport_file(3, records=20)


def quick(base_url: str, destination: Path, files: Sequence[str] = (DEMO,), attempts: int = 5, **options: Any) -> FetchReport:
    return fetch(files, base_url, destination, attempts=attempts, backoff_seconds=0.01, **options)


def failing(base_url: str, destination: Path, files: Sequence[str] = (DEMO,), attempts: int = 5) -> FetchFailed:
    with pytest.raises(FetchFailed) as caught:
        quick(base_url, destination, files, attempts)
    return caught.value


def put(folder: Path, file: str, body: bytes) -> Path:
    path = folder / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(body)
    return path


def files_in(folder: Path) -> dict[str, bytes]:
    """Everything under `folder` but the manifest."""
    found = {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    found.pop("manifest.json", None)
    return found


def manifest_of(folder: Path) -> dict[str, dict[str, Any]]:
    manifest: dict[str, dict[str, Any]] = json.loads((folder / "manifest.json").read_text())
    return manifest
