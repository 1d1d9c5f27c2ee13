"""The bill of materials in the package is that of the lock, and the audit of the lock fails nobody who has no network."""

import json
import os
import re
import runpy
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement

from pipelines.machine.settings import REPOSITORY
from tests.patience import PATIENCE_SECONDS

LOCK = (REPOSITORY / "requirements.lock").read_text(encoding="utf-8")
BILL = REPOSITORY / "pipelines" / "sbom.cdx.json"


@pytest.fixture(scope="module")
def bill() -> dict[str, Any]:
    return dict(json.loads(BILL.read_text(encoding="utf-8")))


def test_the_bill_is_that_of_the_lock() -> None:
    """`make lock` writes both."""
    written = runpy.run_path(str(REPOSITORY / ".ci" / "bill_of_materials.py"))["written"]
    assert BILL.read_text(encoding="utf-8") == written()


def test_every_pinned_version_is_listed_once(bill: dict[str, Any]) -> None:
    lines = [Requirement(line.rstrip("\\")) for line in LOCK.splitlines() if line[:1].isalnum()]
    pinned = sorted((line.name, str(line.specifier).removeprefix("==")) for line in lines)
    assert len(pinned) > 100
    assert sorted((component["name"], component["version"]) for component in bill["components"]) == pinned


def test_what_only_developers_need_is_marked(bill: dict[str, Any]) -> None:
    scopes = {component["name"]: component["scope"] for component in bill["components"]}
    assert {name: scopes[name] for name in ("duckdb", "markupsafe", "numpy", "pytest", "ruff", "iniconfig")} == {
        "duckdb": "required",
        "markupsafe": "required",
        "numpy": "required",
        "pytest": "excluded",
        "ruff": "excluded",
        "iniconfig": "excluded",
    }
    declared = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["project"]["dependencies"]
    assert {name for name, scope in scopes.items() if scope == "required"} > {re.split("[=<>]", line)[0] for line in declared}


def test_references_lead_somewhere_and_name_no_machine(bill: dict[str, Any]) -> None:
    known = {bill["metadata"]["component"]["bom-ref"], *(component["bom-ref"] for component in bill["components"])}
    assert {entry["ref"] for entry in bill["dependencies"]} == known
    assert {needed for entry in bill["dependencies"] for needed in entry["dependsOn"]} <= known
    assert not re.search(r"https?://|/home/|/tmp/|/root/", BILL.read_text(encoding="utf-8"))


def test_the_bill_is_in_the_package() -> None:
    tool = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["setuptools"]
    assert "sbom.cdx.json" in tool["package-data"]["pipelines"]


@pytest.mark.parametrize(
    ("audit", "said"),
    [
        (None, "pip-audit cannot be installed here, so nobody was asked"),
        ("echo 'No known vulnerabilities found' >&2", "no weakness is known"),
        ("echo 'Name Version ID'; echo 'duckdb 1.5.6 PYSEC-1'; exit 1", "duckdb 1.5.6 PYSEC-1"),
        ("echo 'ConnectionError' >&2; exit 1", "could not be asked"),
    ],
)
def test_the_audit_says_what_it_knows_and_fails_no_build(tmp_path: Path, audit: str | None, said: str) -> None:
    """With a stand-in for python3, whose environment holds what the case says."""
    pip = "exit 1" if audit is None else "exit 0"
    stand_in = f"""#!/bin/sh
mkdir -p "$3/bin"
printf '#!/bin/sh\\n%s\\n' "{pip}" >"$3/bin/pip"
cat >"$3/bin/pip-audit" <<'END'
#!/bin/sh
{audit}
END
chmod +x "$3/bin/pip" "$3/bin/pip-audit"
"""
    (tmp_path / "python3").write_text(stand_in, encoding="utf-8")
    (tmp_path / "python3").chmod(0o755)
    environment = os.environ | {"PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}"}
    done = subprocess.run(
        [REPOSITORY / ".ci" / "audit"], env=environment, capture_output=True, text=True, check=False, timeout=PATIENCE_SECONDS
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert said in done.stdout
