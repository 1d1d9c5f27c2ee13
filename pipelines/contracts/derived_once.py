"""What Great Expectations derives anew, a hundred times, from each expectation: derived once while one batch is judged.

An expectation is not changed while it is judged, so that what is kept is what would be derived. Verdicts stay the library's own.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from great_expectations.core import id_dict
from great_expectations.data_context.data_context.ephemeral_data_context import EphemeralDataContext
from great_expectations.expectations.expectation import Expectation
from great_expectations.expectations.expectation_configuration import ExpectationConfiguration
from great_expectations.util import convert_to_json_serializable

PLAIN = (str, int, bool, type(None))
"""Types of values that JSON takes as they are."""

_kept: ContextVar[dict[tuple[str, int], tuple[Any, Any]] | None] = ContextVar("kept", default=None)


@contextmanager
def derived_once() -> Iterator[None]:
    """Within it, configurations of expectations and expectations of configurations are derived once each."""
    token = _kept.set({})
    try:
        yield
    finally:
        _kept.reset(token)


def teach() -> None:
    """Let the library look up what is kept; outside of `derived_once` it works as it does by itself.

    Nor does a context in memory write itself down as YAML, for nobody, at each thing that is added to it.
    """
    library: list[tuple[Any, str, Any]] = [
        (Expectation, "configuration", property(_keeping("configuration", vars(Expectation)["configuration"].fget))),
        (ExpectationConfiguration, "to_domain_obj", _keeping("expectation", ExpectationConfiguration.to_domain_obj)),
        (EphemeralDataContext, "_save_project_config", lambda _context: None),
        (id_dict, "convert_to_json_serializable", _leaving_plain_values(convert_to_json_serializable)),
    ]
    for owner, name, taught in library:
        setattr(owner, name, taught)


def _keeping(what: str, derive: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def derived(origin: Any) -> Any:
        kept = _kept.get()
        if kept is None:
            return derive(origin)
        key = what, id(origin)
        if key not in kept:
            # With its origin, so that no other object takes over the same id.
            kept[key] = origin, derive(origin)
        return kept[key][1]

    return derived


def _leaving_plain_values(convert: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def converted(data: Any) -> Any:
        return data if all(type(value) in PLAIN for value in data.values()) else convert(data)

    return converted
