"""What is wrong with a setting, in our words: where it stands, what it must be, what was found, which names are known.

Pydantic tells of a field by its error type; its own sentences, which name Python's types and its web site, are never shown.
"""

import difflib
import math
import re
import types
import typing
from collections.abc import Collection, Iterable, Sequence, Sized
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails, PydanticCustomError

Location = tuple[str | int, ...]

LONGEST_QUOTE = 60
"""Characters of a value that a message quotes."""

NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")

MOST_EXACT = 2.0**53
"""From here on a number in floating point may be another than was written."""

MOST_NAMES = 40
"""Known names that a message lists."""

KINDS = {
    "string_type": "must be text",
    "int_type": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_from_float": "must be a whole number",
    "float_type": "must be a number",
    "float_parsing": "must be a number",
    "bool_type": "must be true or false",
    "bool_parsing": "must be true or false",
    "dict_type": "must be a mapping of keys",
    "model_type": "must be a mapping of keys",
    "list_type": "must be a list, such as [a, b]",
    "tuple_type": "must be a list, such as [a, b]",
    "finite_number": "must be a finite number",
}
"""Pydantic's error type -> what is asked for."""

LIMITS = {
    "greater_than": ("more than", "gt"),
    "greater_than_equal": ("at least", "ge"),
    "less_than": ("less than", "lt"),
    "less_than_equal": ("at most", "le"),
}


@dataclass(frozen=True)
class Fault:
    """One setting that is wrong: the keys that lead to it, and one sentence without them."""

    location: Location
    message: str

    def at(self, place: str) -> str:
        """The sentence, after the place in the file that the location leads to."""
        return f"{place}: {self.message}" + ("" if self.message.endswith("?") else ".")


def fault_at(location: Sequence[str | int], message: str) -> PydanticCustomError:
    """What a validator raises about a field that is not its own; `location` is relative to the validated model."""
    return PydanticCustomError("placed", "{message}", {"message": message, "at": tuple(location)})


def faults(error: ValidationError, model: type[BaseModel], unknown: str = "is no key here") -> list[Fault]:
    """Everything that is wrong with what was read into the model; `unknown` says what a key is that it does not have."""
    items = error.errors(include_url=False)
    told = [item for item in items if not _follows(item, items, model)]
    return list(dict.fromkeys(_fault(item, model, unknown) for item in told))


def known(names: Iterable[str], given: str | None = None) -> str:
    """The names that there are, and the one that was probably meant."""
    names = list(names)
    near = nearest(given, names) if given else None
    if near:
        return f"did you mean {near}? Known: {listed(names)}"
    return f"known: {listed(names)}" if names else "there are none"


def listed(names: Sequence[str]) -> str:
    """The first of the names, and how many more there are."""
    return ", ".join(names[:MOST_NAMES]) + (f" and {len(names) - MOST_NAMES} more" if len(names) > MOST_NAMES else "")


def nearest(given: str, names: Collection[str]) -> str | None:
    """The name that is most like the given one, without regard to case; None where none is like it."""
    by_lower = {name.lower(): name for name in names}
    found = difflib.get_close_matches(given.lower(), list(by_lower), n=1)
    return by_lower[found[0]] if found else None


def found(value: object) -> str:
    """A value as the file has it."""
    if value is None:
        return "found nothing"
    if isinstance(value, dict):
        return "found a mapping"
    if isinstance(value, (list, tuple)):
        return "found a list"
    if isinstance(value, bool):
        return f"found {str(value).lower()}"
    if isinstance(value, (int, float)):
        return f"found the number {value}"
    text = " ".join(str(value).split())
    quoted = text if len(text) <= LONGEST_QUOTE else f"{text[:LONGEST_QUOTE]}..."
    return f"found the text {quoted!r}" if isinstance(value, str) else f"found {quoted}"


def _follows(item: ErrorDetails, items: Sequence[ErrorDetails], model: type[BaseModel]) -> bool:
    """Whether an error follows from another: a key is missing that is misspelt, a list is short without its wrong items."""
    place = item["loc"]
    if item["type"] == "missing":
        beside = [other["loc"][-1] for other in items if other["type"] == "extra_forbidden" and other["loc"][:-1] == place[:-1]]
        lacking = [other["loc"] for other in items if other["type"] == "missing" and other["loc"][:-1] == place[:-1]]
        is_the_other = len(beside) == len(lacking) == 1 and _have_a_word(str(beside[0]), str(place[-1]))
        return is_the_other or any(nearest(str(name), _fields(model, place[:-1])) == place[-1] for name in beside)
    return item["type"] == "too_short" and any(len(other["loc"]) > len(place) == _shared(other["loc"], place) for other in items)


def _have_a_word(one: str, other: str) -> bool:
    """Whether two names share a word, as `terms` and `terms_of_use` do."""
    return bool(set(one.lower().split("_")) & set(other.lower().split("_")))


def _shared(one: Location, other: Location) -> int:
    """How many steps two locations have in common from the start."""
    return next((n for n, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))


def _fault(item: ErrorDetails, model: type[BaseModel], unknown: str) -> Fault:
    location = tuple(step for step in item["loc"] if step != "[key]")
    context = item.get("ctx", {})
    if item["type"] == "placed":
        return Fault((*location, *context["at"]), str(context["message"]))
    if item["type"] in {"extra_forbidden", "invalid_key"}:
        name, fields = str(location[-1]), _fields(model, location[:-1])
        return Fault(location, f"{name} {unknown}; {known(fields, name)}")
    return Fault(location, _sentence(item, context))


def _sentence(item: ErrorDetails, context: dict[str, Any]) -> str:
    kind, value = item["type"], item["input"]
    if kind == "missing":
        return "must be given"
    if kind == "value_error":
        return str(context["error"])
    if kind == "literal_error":
        return _not_among(value, context["expected"])
    if kind in LIMITS:
        words, name = LIMITS[kind]
        is_share = context[name] == 1 and kind.startswith("less")
        return f"must be {words} {_amount(context[name])}; {found(value)}" + (", and 95 % is written 0.95" if is_share else "")
    if kind == "string_pattern_mismatch" and not str(value).strip():
        return "must not be empty"
    if kind in {"too_short", "string_too_short"}:
        few = f"must name at least {context.get('min_length')}; found {len(value) if isinstance(value, Sized) else 'none'}"
        return few if kind == "too_short" else "must not be empty"
    return f"{KINDS.get(kind, 'cannot be used')}; {found(value)}{_remedy(kind, value)}"


def _amount(limit: float) -> str:
    return f"{limit:,}" if isinstance(limit, int) else f"{limit:g}"


def _not_among(value: object, expected: str) -> str:
    names = [name.strip("'") for name in expected.replace(" or ", ", ").split(", ")]
    said = value if isinstance(value, str) and value else found(value).removeprefix("found ")
    return f"{said} is not known; {known(names, str(value))}"


def _remedy(kind: str, value: object) -> str:
    if kind == "string_type" and value is not None and not isinstance(value, (dict, list)):
        return ": write it in quotes"
    if kind == "bool_type" and isinstance(value, str):
        return ": write it without quotes" if value.lower() in {"true", "false"} else ""
    number = number_in(value) if kind in {"int_type", "float_type"} and isinstance(value, str) else None
    if number is None or (kind == "int_type" and not number.is_integer()):
        return ""
    if abs(number) >= MOST_EXACT:
        return ": write it without quotes"
    return f": write {f'{number:.0f}' if kind == 'int_type' else repr(number)} without quotes"


def number_in(text: str) -> float | None:
    """The finite number that a text writes in digits; None where it is none."""
    number = float(text) if NUMBER.fullmatch(text.strip()) else math.inf
    return number if math.isfinite(number) else None


def _fields(model: type[BaseModel], location: Location) -> list[str]:
    """The keys that a mapping somewhere in the model may have; nothing where any is allowed."""
    annotation: Any = model
    for step in location:
        annotation = _inside(annotation, step)
    return list(annotation.model_fields) if _is_model(annotation) else []


def _inside(annotation: Any, step: str | int) -> Any:
    if _is_model(annotation):
        field = annotation.model_fields.get(step)
        return _stripped(field.annotation) if field else None
    parts = typing.get_args(annotation)
    if not parts:
        return None
    return _stripped(parts[1] if typing.get_origin(annotation) is dict else parts[0])


def _stripped(annotation: Any) -> Any:
    """Without `None` beside it."""
    if typing.get_origin(annotation) in {types.UnionType, typing.Union}:
        return next(part for part in typing.get_args(annotation) if part is not type(None))
    return annotation


def _is_model(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)
