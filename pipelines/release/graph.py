"""What rests on what in a release, and which ingredients differ between two of them.

A graph is read from the manifest alone, so that it outlives the objects of the store. Numbers are not compared in here.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pipelines.store import Place
from pipelines.store.recipe import ABSENT

CLAIMS = "sql/checks/"
"""Ingredients that decide whether an object is accepted, and never what is in it."""

LIBRARIES = "libraries"

LONGEST_VALUE = 60
"""Characters of a setting that are shown before and after; of a longer one only the name."""


@dataclass(frozen=True)
class Making:
    """How one object was made: the ingredients of its recipe, and the content of each object that it was made from."""

    place: Place
    content: str | None
    ingredients: Mapping[str, str]
    inputs: Mapping[str, str]

    @property
    def is_absent(self) -> bool:
        return self.ingredients.get("delivery") == ABSENT


@dataclass(frozen=True)
class Graph:
    """The makings of a release: of its objects, and of older ones that these rest on."""

    in_release: Mapping[str, Making]
    by_content: Mapping[tuple[str, str | None], Making]

    @classmethod
    def of(cls, manifest: Mapping[str, Any]) -> "Graph | None":
        """The graph that a manifest holds; None for one that was written before manifests held it."""
        if "rests_on" not in manifest:
            return None
        released = [_making(entry) for entry in manifest["objects"]]
        older = [_making(entry) for entry in manifest["rests_on"]]
        return cls(
            in_release={str(making.place): making for making in released},
            by_content={(str(making.place), making.content): making for making in [*older, *released]},
        )

    def places(self, table: str, source: str | None) -> list[str]:
        """The places of a table in the release, of one source or of all."""
        return [
            text
            for text, making in self.in_release.items()
            if making.place.name == table and source in {None, making.place.source}
        ]

    def under(self, place: str) -> Iterator[Making]:
        """The making of an object of the release and of everything that it rests on, each once."""
        waiting, seen = [self.in_release[place]], set[tuple[str, str | None]]()
        while waiting:
            making = waiting.pop(0)
            if (str(making.place), making.content) in seen:
                continue
            seen.add((str(making.place), making.content))
            yield making
            waiting += [found for item in making.inputs.items() if (found := self.by_content.get(item))]


def _making(entry: Mapping[str, Any]) -> Making:
    return Making(Place.parse(entry["place"]), entry["content"], entry["ingredients"], entry["inputs"])


def differing(before: Graph, after: Graph, places: Iterable[str]) -> list[str]:
    """The ingredients that differ between two releases for these places, in words.

    An input whose content is the same in both is not looked into: nothing behind it can have moved a number.
    """
    found: set[str] = set()
    for place in places:
        found |= _differing(before, after, before.in_release.get(place), after.in_release.get(place))
    moving = {name for name in found if not name.startswith(CLAIMS)}
    return sorted(moving or found)


def _differing(before: Graph, after: Graph, one: Making | None, other: Making | None) -> set[str]:
    making = one or other
    if making is None:
        return set()
    place = making.place
    if place.schema == "raw" and (one is None or other is None):
        return {_delivery(place)}
    if one and other and one.is_absent != other.is_absent:
        return {_delivery(place)}
    found = set() if one is None or other is None else _own(place, one.ingredients, other.ingredients)
    inputs, other_inputs = (one.inputs if one else {}), (other.inputs if other else {})
    for name in inputs.keys() | other_inputs.keys():
        content, other_content = inputs.get(name), other_inputs.get(name)
        if content != other_content:
            found |= _differing(
                before,
                after,
                before.by_content.get((name, content)) if content else None,
                after.by_content.get((name, other_content)) if other_content else None,
            )
    return found or ({f"{place} is {'new' if one is None else 'gone'}"} if one is None or other is None else set())


def _own(place: Place, one: Mapping[str, str], other: Mapping[str, str]) -> set[str]:
    """The ingredients of one object that differ, by the names that an analyst knows them by."""
    found = set()
    for name in one.keys() | other.keys():
        value, other_value = one.get(name), other.get(name)
        if value == other_value:
            continue
        if name == LIBRARIES:
            found |= _libraries(value, other_value)
        elif name == "delivery":
            found.add(_delivery(place))
        elif name in {"contract", "expected rows"}:
            found.add(f"{name} of {place.name}")
        elif name == "codebook":
            found.add(f"codebook {place.table}")
        elif name == "source":
            found.add(f"source {place.source}")
        else:
            found.add(name + _moved(value, other_value))
    return found


def _delivery(place: Place) -> str:
    return f"delivery of {place.source} {place.wave}{f': {place.table}' if place.schema == 'raw' else ''}"


def _libraries(value: str | None, other_value: str | None) -> set[str]:
    versions = [dict(part.split(" ") for part in text.split(", ")) if text else {} for text in (value, other_value)]
    return {
        f"library {name} ({versions[0].get(name, 'none')} -> {versions[1].get(name, 'none')})"
        for name in versions[0].keys() | versions[1].keys()
        if versions[0].get(name) != versions[1].get(name)
    }


def _moved(value: str | None, other_value: str | None) -> str:
    """Before and after of a setting, whose value is short JSON; nothing for a hash."""
    try:
        shown = [json.dumps(json.loads(text), ensure_ascii=False) if text else "not there" for text in (value, other_value)]
    except ValueError:
        return ""
    return f" ({shown[0]} -> {shown[1]})" if max(map(len, shown)) <= LONGEST_VALUE else ""
