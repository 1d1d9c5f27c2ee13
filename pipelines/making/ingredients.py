"""The ingredients that tables of several stages share: the contract with its checks, settings of study.yaml, and code."""

from collections.abc import Collection

from pipelines.machine.code import code_digest
from pipelines.project.project import Project
from pipelines.store import Place, digest

NAMED_OTHERWISE = frozenset(
    {"project.project", "project.evidence", "report.estimators", "report.register", "raw.plan", "core.plan", "report.plan"}
)
"""Where the walk over what a maker imports ends.

A project only hands over its parts, and a recipe names by value what a maker is given of them. The table of estimators knows
all of them, and a report table rests on its own. Plans are the recipes themselves. What is read of the literature is named by
value, or by the files and the code that it is computed by.
"""


def of_code(name: str, *makers: str) -> dict[str, str]:
    """The code of the modules that make an object, with all that they import, under a name."""
    return {name: code_digest(makers, NAMED_OTHERWISE)}


def of_contract(project: Project, place: Place) -> dict[str, str]:
    """What is demanded of the table, its codebook, the claims about it, and who judges. Words for readers are no ingredient."""
    contract = project.contracts[place.name]
    checks = {check.name: digest(check.text) for check in project.checks.get(place.table, ())}
    codebook = {"codebook": contract.codebook_digest} if contract.codebook else {}
    engine = of_engine(project) if place.schema != "raw" else {}  # deliveries are taken in on this machine
    return {"contract": contract.digest_of_demands, **codebook, **checks, **engine}


def of_engine(project: Project) -> dict[str, str]:
    """The engine that runs selects and claims, where that is not DuckDB: sums may differ in their last digits."""
    return {} if project.settings.engine == "duckdb" else {"engine": project.settings.engine}


def of_study(project: Project, sections: Collection[str]) -> dict[str, str]:
    """The settings of some sections of study.yaml, with their values: what differs can be named."""
    return {f"study.yaml: {name}": value for name, value in project.study.settings_of_estimates(sections).items()}
