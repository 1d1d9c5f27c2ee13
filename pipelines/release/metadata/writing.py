"""Writing what describes a release into the folder of an export."""

import json
from pathlib import Path

from pipelines.release.metadata.crate import crate
from pipelines.release.metadata.datacite import datacite
from pipelines.release.metadata.files import CRATE, described_file, described_files
from pipelines.release.metadata.schema_org import schema_org
from pipelines.release.wording import Exported

DATACITE, SCHEMA_ORG = "datacite.json", "schema-org.json"


def write_metadata(exported: Exported, folder: Path) -> None:
    """Describe the folder of an exported release, when everything else is in it; the crate last, as it describes the others."""
    _write(datacite(exported), folder / DATACITE)
    files = list(described_files(folder, exported.descriptions))  # each is hashed once: one may be a database of gigabytes
    _write(schema_org(exported, files), folder / SCHEMA_ORG)
    files.append(described_file(folder, folder / SCHEMA_ORG, exported.descriptions))
    _write(crate(exported, files), folder / CRATE)


def _write(document: object, path: Path) -> None:
    path.write_text(json.dumps(document, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
