"""Write pipelines/sbom.cdx.json, the bill of materials that the wheel carries, from requirements.lock: CycloneDX 1.6.

What only developers need is `excluded`. Hashes stand in the lock. The same lock gives the same bytes.
"""

import hashlib
import json
import re
import tomllib
import uuid
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
BILL = ROOT / "pipelines" / "sbom.cdx.json"

PINNED = re.compile(r"^([A-Za-z0-9._-]+)(?:\[[^\]]*\])?==([^\s;\\]+)")
NEEDED_BY = re.compile(r"^    # (?:via|  )\s*([A-Za-z0-9._-]+)?")
NAME = re.compile(r"^[A-Za-z0-9._-]+")


def bill_of_materials(lock: str, project: dict[str, Any]) -> dict[str, Any]:
    """The bill of what a lock of uv pins for a project (`[project]` of pyproject.toml)."""
    versions, needed_by = _pinned(lock)
    own = str(project["name"])
    direct = {_normal(match[0]) for line in project["dependencies"] if (match := NAME.match(line))}
    needs = {name: sorted(other for other in versions if name in needed_by[other]) for name in versions}
    required, waiting = set[str](), sorted(direct)
    while waiting:
        name = waiting.pop()
        if name not in required:
            required.add(name)
            waiting += needs[name]
    of_project = f"pkg:pypi/{own}@{project['version']}"
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_OID, hashlib.sha256(lock.encode()).hexdigest())}",
        "version": 1,
        "metadata": {
            "component": {
                "type": "application",
                "bom-ref": of_project,
                "name": own,
                "version": project["version"],
                "licenses": [{"license": {"id": project["license"]}}],
                "purl": of_project,
            }
        },
        "components": [
            {
                "type": "library",
                "bom-ref": _purl(name, version),
                "name": name,
                "version": version,
                "scope": "required" if name in required else "excluded",
                "purl": _purl(name, version),
            }
            for name, version in _each(versions)
        ],
        "dependencies": [
            {"ref": of_project, "dependsOn": _purls(sorted(direct), versions)},
            *({"ref": _purl(name, version), "dependsOn": _purls(needs[name], versions)} for name, version in _each(versions)),
        ],
    }


def _pinned(lock: str) -> tuple[dict[str, list[str]], dict[str, set[str]]]:
    """Package -> versions (several where Python's version decides), and the packages that need it, from the lock's comments."""
    versions: dict[str, list[str]] = {}
    needed_by: dict[str, set[str]] = {}
    name = ""
    for line in lock.splitlines():
        if pinned := PINNED.match(line):
            name = _normal(pinned[1])
            versions.setdefault(name, []).append(pinned[2])
            needed_by.setdefault(name, set())
        elif (needed := NEEDED_BY.match(line)) and needed[1]:
            needed_by[name].add(_normal(needed[1]))
    return versions, needed_by


def _normal(name: str) -> str:
    """The name as packages are told apart: PEP 503."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _each(versions: dict[str, list[str]]) -> list[tuple[str, str]]:
    return [(name, version) for name in sorted(versions) for version in versions[name]]


def _purls(names: list[str], versions: dict[str, list[str]]) -> list[str]:
    return [_purl(name, version) for name in names for version in versions[name]]


def _purl(name: str, version: str) -> str:
    return f"pkg:pypi/{name}@{version}"


def written() -> str:
    """The bill of this repository, as its file should read."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    return json.dumps(bill_of_materials(lock, project), indent=1) + "\n"


if __name__ == "__main__":
    BILL.write_text(written(), encoding="utf-8")
