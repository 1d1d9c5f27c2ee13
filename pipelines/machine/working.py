"""What long work is at, told to whoever asked to hear it: a terminal shows it, and where nobody asked nothing happens.

What is told is for people and gone with the moment; what must be kept is logged.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TypeVar

Part = TypeVar("Part")

Listener = Callable[[str, int, int], None]
"""Is told what the work is at, how many parts are done, and of how many."""

_listeners: list[Listener] = []


@contextmanager
def heard_by(listener: Listener) -> Iterator[None]:
    """Tell this listener of all work in here."""
    _listeners.append(listener)
    try:
        yield
    finally:
        _listeners.remove(listener)


def parts(of: Sequence[Part], name: Callable[[Part], str] = str) -> Iterator[Part]:
    """The parts of some work, one after the other; each is told by its name when its turn comes."""
    for done, part in enumerate(of):
        for listener in _listeners:
            listener(name(part), done, len(of))
        yield part
