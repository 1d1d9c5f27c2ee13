"""The data contracts as they stood at a revision of the project's git repository."""

import io
import subprocess
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from pipelines.contracts.model import Contract, load_contracts
from pipelines.contracts.yaml_source import ContractError
from pipelines.machine.errors import ConfigurationError, WrongUsage
from pipelines.machine.settings import Settings
from pipelines.project.sources import load_sources


@dataclass(frozen=True)
class Revision:
    """Contracts by table, and the waves that each raw table had."""

    contracts: Mapping[str, Contract]
    waves: Mapping[str, list[str]]


def read_revision(settings: Settings, name: str) -> Revision:
    """The contracts and sources of a commit, tag or branch; nothing in the working tree is touched.

    Raises WrongUsage where there is no such revision, ConfigurationError where there is no git, no repository, no
    data_contracts in it, or where what it holds does not load.
    """
    project = settings.project.resolve()
    folder = settings.data_contracts.name
    commit = _git(project, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}")
    if not commit:
        raise WrongUsage(f"{name} is no revision of the repository that holds {project}: git log lists them")
    archive = _git(project, "archive", "--format=tar", commit.decode().strip(), "--", folder)
    if not archive:
        raise ConfigurationError(f"there is no {folder} at {name}")
    with TemporaryDirectory() as place:
        with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
            tar.extractall(place, filter="data")
        try:
            contracts = load_contracts(Path(place) / folder)
            sources = load_sources(Path(place) / folder / "sources")
        except ContractError as error:
            problems = "\n".join(error.problems).replace(f"{place}/", f"{name}:")
            raise ConfigurationError(f"the contracts at {name} cannot be read:\n{problems}") from error
    tables = {f"raw.{table}": source.waves_of(table) for source in sources.values() for table in source.tables}
    return Revision(contracts, tables)


def _git(project: Path, *arguments: str) -> bytes:
    """What git prints; nothing where it refuses, because then the revision or the folder is not there."""
    try:
        run = subprocess.run(["git", "-C", str(project), *arguments], capture_output=True, check=False)
    except FileNotFoundError as error:
        raise ConfigurationError("git is not installed: contracts can only be compared with a revision that git keeps") from error
    if b"not a git repository" in run.stderr:
        raise ConfigurationError(f"{project} is in no git repository, so there is no revision to compare with")
    return run.stdout if run.returncode == 0 else b""
