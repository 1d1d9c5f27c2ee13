"""The ingredients that tables of several stages share: the contract with its checks, and settings of study.yaml."""

from collections.abc import Collection

from pipelines.project.project import Project
from pipelines.store import Place, digest


def of_contract(project: Project, place: Place) -> dict[str, str]:
    contract = project.contracts[place.name]
    checks = {check.name: digest(check.text) for check in project.checks.get(place.table, ())}
    codebook = {"codebook": contract.codebook_digest} if contract.codebook else {}
    return {"contract": contract.digest_of_file, **codebook, **checks}


def of_study(project: Project, sections: Collection[str]) -> dict[str, str]:
    """The settings of some sections of study.yaml, with their values: what differs can be named."""
    return {f"study.yaml: {name}": value for name, value in project.study.settings_of_estimates(sections).items()}
