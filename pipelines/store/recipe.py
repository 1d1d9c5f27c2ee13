"""What an object is made of: its recipe, and the sidecar that says what became of it.

A recipe has every ingredient that can change the content or the verdict, each under a name that an analyst understands.
Versions of contracts never decide: the hash of what they demand does.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pipelines.store.objects import Place, Sidecar, Verdict, digest

ABSENT = "absent"


def recipe_of(place: Place, ingredients: Mapping[str, str], inputs: Mapping[str, str]) -> str:
    """The name of a recipe; `inputs` are place -> content, as a sidecar has them."""
    return digest({"place": str(place), "ingredients": dict(ingredients), "inputs": dict(inputs)})


@dataclass(frozen=True)
class Plan:
    """The ingredients of one object, and the accepted objects that it reads (place -> content)."""

    place: Place
    ingredients: Mapping[str, str]
    inputs: Mapping[Place, str] = field(default_factory=dict)
    is_absent: bool = False

    @property
    def recipe(self) -> str:
        return recipe_of(self.place, self.ingredients, self._inputs)

    @property
    def _inputs(self) -> dict[str, str]:
        return {str(place): content for place, content in self.inputs.items()}

    def sidecar(self, *, verdict: Verdict | None = None, problems: Sequence[str] = (), **made: Any) -> Sidecar:
        """How the object of this plan was made and judged: `made` are fields of a sidecar. With problems it is rejected."""
        return Sidecar.model_validate(
            {
                "table": self.place.name,
                "source": self.place.source,
                "wave": self.place.wave,
                "recipe": self.recipe,
                "ingredients": dict(self.ingredients),
                "inputs": self._inputs,
                "content": None,
                "rows": 0,
                "verdict": verdict or ("rejected" if problems else "accepted"),
                "problems": list(problems),
            }
            | made
        )
