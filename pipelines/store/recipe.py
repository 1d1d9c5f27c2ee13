"""What an object is made of: its recipe, and how the code and libraries that make it enter there."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pipelines
from pipelines.store.objects import Place, Sidecar, Verdict, digest

ABSENT = "absent"


@dataclass(frozen=True)
class Plan:
    """The ingredients of one object, and the accepted objects that it reads (place -> content)."""

    place: Place
    ingredients: Mapping[str, str]
    inputs: Mapping[Place, str] = field(default_factory=dict)
    is_absent: bool = False

    @property
    def recipe(self) -> str:
        inputs = {str(place): content for place, content in self.inputs.items()}
        return digest({"place": str(self.place), "ingredients": dict(self.ingredients), "inputs": inputs})

    def sidecar(self, *, verdict: Verdict | None = None, problems: Sequence[str] = (), **made: Any) -> Sidecar:
        """How the object of this plan was made and judged: `made` are fields of a sidecar. With problems it is rejected."""
        return Sidecar.model_validate(
            {
                "table": self.place.name,
                "source": self.place.source,
                "wave": self.place.wave,
                "recipe": self.recipe,
                "ingredients": dict(self.ingredients),
                "inputs": {str(place): content for place, content in self.inputs.items()},
                "content": None,
                "rows": 0,
                "verdict": verdict or ("rejected" if problems else "accepted"),
                "problems": list(problems),
            }
            | made
        )


@cache
def code_digest(names: tuple[str, ...]) -> str:
    """SHA-256 over the source files and templates of modules and packages of `pipelines`."""
    root = Path(pipelines.__file__).parent
    files = sorted(
        file
        for name in names
        for file in ([root / name] if name.endswith(".py") else (root / name).rglob("*"))
        if file.suffix in {".py", ".j2"}
    )
    hashed = hashlib.sha256()
    for file in files:
        hashed.update(str(file.relative_to(root)).encode() + b"\0" + file.read_bytes())
    return hashed.hexdigest()


@cache
def code_version() -> dict[str, str]:
    """Version of the package, and the hash of all its modules."""
    return {"package": version("cramp-atlas"), "sha256": code_digest((".",))}


@cache
def libraries(names: tuple[str, ...]) -> str:
    return ", ".join(f"{name} {version(name)}" for name in names)
