"""Changes of a small contract, and the contract after them."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

from pipelines.contracts.model import Contract, load_contract
from tests.contracts.sleep_contract import CODEBOOK, columns, custom, document

Edit = Callable[[dict[str, Any]], None]


def nothing(_: dict[str, Any]) -> None:
    """An edit that edits nothing."""


def column(name: str, **fields: Any) -> Edit:
    """Give a column other fields; None takes a field away."""

    def edit(content: dict[str, Any]) -> None:
        given = next(given for given in content["schema"][0]["properties"] if given["name"] == name)
        given.update(fields)
        for field in [field for field, value in fields.items() if value is None]:
            del given[field]

    return edit


def table(**fields: Any) -> Edit:
    return lambda content: content["schema"][0].update(fields)


def head(**fields: Any) -> Edit:
    return lambda content: content.update(fields)


def without(name: str) -> Edit:
    def edit(content: dict[str, Any]) -> None:
        content["schema"][0]["properties"] = [given for given in content["schema"][0]["properties"] if given["name"] != name]

    return edit


def plus(**fields: Any) -> Edit:
    return lambda content: content["schema"][0]["properties"].append(fields)


def both(*edits: Edit) -> Edit:
    def edit(content: dict[str, Any]) -> None:
        for one in edits:
            one(content)

    return edit


def state(folder: Path, edit: Edit, codebook: str = CODEBOOK) -> Contract:
    """The good contract with an edit, loaded from a folder of its own."""
    for name in ("raw", "codebooks"):
        (folder / name).mkdir(parents=True)
    content = document(columns())
    edit(content)
    (folder / "raw" / "sleep.odcs.yaml").write_text(yaml.safe_dump(content))
    (folder / "codebooks" / "sleep.csv").write_text(codebook)
    return load_contract(folder / "raw" / "sleep.odcs.yaml", folder / "codebooks")


def verdict(kind: str, reason: str = "as it is") -> Edit:
    entry = {"source": "s", "variables": ["hours"], "waves": ["1", "2"], "verdict": kind, "reason": reason, "reference": "a page"}
    return table(customProperties=custom(comparability=[entry]))


def ranged(**options: object) -> Edit:
    return column("weight", logicalTypeOptions=options)


def listed(*texts: str, severity: str = "reject") -> Edit:
    return column("note", logicalTypeOptions={"enum": list(texts)}, customProperties=custom(severity=severity))


def waves(*names: str) -> Edit:
    return column("is_pregnant", customProperties=custom(waves=list(names)))


ADDED = {"name": "bmi", "physicalType": "DOUBLE", "description": "Body mass index"}
OUT_MAY_APPEAR = "what it kept out may appear"
