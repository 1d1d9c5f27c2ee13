"""Versions of contracts, and how far a change must raise them."""

import re
from typing import Literal, NamedTuple

Impact = Literal["breaking", "compatible", "descriptive"]
IMPACTS: tuple[Impact, ...] = ("breaking", "compatible", "descriptive")
"""Worst first. What worked on the published table may fail or mean something else; keeps working; only reads differently."""

VERSION = re.compile(r"(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)")


class Version(NamedTuple):
    """X.Y.Z of Semantic Versioning 2.0.0, without labels."""

    major: int
    minor: int
    patch: int

    def __str__(self) -> str:
        return ".".join(map(str, self))


def parse_version(text: str) -> Version:
    """`X.Y.Z` in whole numbers without leading zeros; raises ValueError for anything else."""
    match = VERSION.fullmatch(text)
    if match is None:
        raise ValueError(f"version {text!r} is not X.Y.Z in whole numbers without leading zeros, such as 1.0.0")
    return Version(*map(int, match.groups()))


def least_version(before: Version, worst: Impact | None) -> Version:
    """The smallest version that may follow: breaking changes raise the first number, compatible ones the second, words the third.

    Before 1.0.0 nothing is promised yet: there a breaking change raises the second number and every other one the third.
    """
    if worst is None:
        return before
    step = IMPACTS.index(worst) + (before.major == 0)
    if step == 0:
        return Version(before.major + 1, 0, 0)
    if step == 1:
        return Version(before.major, before.minor + 1, 0)
    return Version(before.major, before.minor, before.patch + 1)
