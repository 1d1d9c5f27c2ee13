"""Which tables of a source are about its respondents, and by which column they know them."""

from pipelines.project.project import Project

IDENTIFIER = "identifier"


def identifiers(project: Project, source: str) -> dict[str, str]:
    """Raw table -> its column of classification `identifier`; where no table of the source has one, keys of one column stand."""
    contracts = {table: project.contracts[f"raw.{table}"] for table in project.sources[source].tables}
    classified = {
        table: column.name
        for table, contract in contracts.items()
        for column in contract.columns
        if column.classification == IDENTIFIER
    }
    return classified or {table: contract.key[0] for table, contract in contracts.items() if len(contract.key) == 1}
