"""Two states of a contract: what changed for people who read the published table, and the version that the change demands.

Pure functions on contracts. Where the earlier state comes from, and what is printed, does not belong here.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from pipelines.authoring.rule_changes import Change, changes_of_codes, changes_of_rules
from pipelines.authoring.versions import IMPACTS, VERSION, Impact, Version, least_version, parse_version
from pipelines.contracts.columns import Column
from pipelines.contracts.model import Contract

WORDS = {
    "title": "name",
    "purpose": "purpose",
    "usage": "terms of use",
    "links": "links",
    "no_key_because": "reason for having no key",
}


@dataclass(frozen=True)
class Difference:
    """One table in two states; a version is None where the table is not there."""

    table: str
    before: str | None
    after: str | None
    changes: tuple[Change, ...]

    @property
    def least(self) -> Version | None:
        """The least version that the changes demand; None where there is nothing to raise, or no version to raise it from."""
        if self.before is None or self.after is None or VERSION.fullmatch(self.before) is None:
            return None
        worst = next((impact for impact in IMPACTS if any(change.impact == impact for change in self.changes)), None)
        return least_version(parse_version(self.before), worst)

    @property
    def is_raised_enough(self) -> bool:
        if self.after is None:
            return True
        if VERSION.fullmatch(self.after) is None:
            return False
        return self.least is None or parse_version(self.after) >= self.least


def compare(
    before: Mapping[str, Contract], after: Mapping[str, Contract], waves: Mapping[str, Sequence[str]] | None = None
) -> list[Difference]:
    """The tables that differ, by name. `waves` are those that a table had in the earlier state, where that is known."""
    found = []
    for name in sorted(before.keys() | after.keys()):
        old, new = before.get(name), after.get(name)
        if old is None and new is not None:
            found.append(Difference(name, None, new.version, (Change("compatible", "new table"),)))
        elif new is None and old is not None:
            found.append(Difference(name, old.version, None, (Change("breaking", "table removed"),)))
        elif old and new and old.digest != new.digest:
            found.append(Difference(name, old.version, new.version, tuple(changes(old, new, (waves or {}).get(name, ())))))
    return found


def changes(before: Contract, after: Contract, waves: Sequence[str] = ()) -> list[Change]:
    """Everything that changed, worst first. What is not told apart any further counts as words of the file."""
    found = [
        *_of_table(before, after),
        *_of_columns(before, after, waves),
        *changes_of_rules(before, after),
        *changes_of_codes(before, after),
        *_of_verdicts(before, after),
    ]
    if not found and (before.version == after.version or _without_version(before) != _without_version(after)):
        found = [Change("descriptive", "other words of the file")]
    return sorted(found, key=lambda change: IMPACTS.index(change.impact))


def _without_version(contract: Contract) -> Contract:
    return replace(contract, version="", digest="", codebook=None)


def _of_table(before: Contract, after: Contract) -> Iterator[Change]:
    if before.description != after.description:
        yield Change(
            "descriptive", "description of the table reworded (a row that stands for something else is a change of the key)"
        )
    for field, words in WORDS.items():
        if getattr(before, field) != getattr(after, field):
            yield Change("descriptive", f"{words} reworded")
    if before.left_out != after.left_out:
        names = f"{_listed(before.left_out, 'none')} -> {_listed(after.left_out, 'none')}"
        yield Change("descriptive", f"delivered columns that are not taken in: {names}")
    if before.key != after.key:
        names = f"key: {', '.join(before.key) or 'none'} -> {', '.join(after.key) or 'none'}"
        if not before.key:
            yield Change("compatible", f"{names}; rows are told apart by it from now on")
        elif set(before.key) == set(after.key):
            yield Change("descriptive", f"{names}; the same columns in another order")
        else:
            yield Change("breaking", f"{names}; a row stands for something else, and joins on the key find other rows")


def _of_columns(before: Contract, after: Contract, waves: Sequence[str]) -> Iterator[Change]:
    old = {column.name: column for column in before.columns}
    new = {column.name: column for column in after.columns}
    added = [name for name in new if name not in old]
    renamed = _renamed([column for name, column in old.items() if name not in new], [new[name] for name in added])
    for name, column in old.items():
        if name in renamed:
            yield Change("breaking", f"column {name}: renamed to {renamed[name]}")
        elif name not in new:
            yield Change("breaking", f"column {name}: removed")
        else:
            yield from _of_column(column, new[name], waves)
    for name in added:
        if name not in renamed.values():
            yield Change("compatible", f"column {name}: added ({new[name].type})")
    common = [name for name in old if name in new]
    if common != [name for name in new if name in old]:
        yield Change("compatible", "columns in another order; what reads them by position reads others")


def _renamed(removed: Sequence[Column], added: Sequence[Column]) -> dict[str, str]:
    """Old name -> new name, where exactly one removed and one added column say the same in everything but the name."""

    def said(column: Column) -> tuple[Any, ...]:
        return (column.type, column.description, column.unit, column.question, column.waves, bool(column.codebook_variable))

    pairs = {column.name: [other.name for other in added if said(other) == said(column)] for column in removed}
    taken = [names[0] for names in pairs.values() if len(names) == 1]
    return {name: names[0] for name, names in pairs.items() if len(names) == 1 and taken.count(names[0]) == 1}


def _of_column(before: Column, after: Column, waves: Sequence[str]) -> Iterator[Change]:
    at = f"column {before.name}"
    if before.type != after.type:
        yield Change("breaking", f"{at}: type {before.type} -> {after.type}")
    if before.unit != after.unit:
        impact: Impact = "breaking" if before.unit else "descriptive"
        yield Change(impact, f"{at}: unit {before.unit or 'none'} -> {after.unit or 'none'}")
    if before.waves != after.waves:
        yield _of_waves(at, before, after, waves)
    if before.codebook_variable and after.codebook_variable and before.codebook_variable != after.codebook_variable:
        yield Change("breaking", f"{at}: its codes are those of {after.codebook_variable}, not of {before.codebook_variable}")
    if before.missing != after.missing:
        marks = f"{_listed(before.missing, 'none')} -> {_listed(after.missing, 'none')}"
        yield Change("breaking", f"{at}: texts that mark a missing value: {marks}")
    if before.classification != after.classification:
        yield Change(
            "compatible",
            f"{at}: classification {before.classification or 'none'} -> {after.classification or 'none'}; "
            "it may have to be handled otherwise",
        )
    for field in ("description", "question"):
        if getattr(before, field) != getattr(after, field):
            yield Change("descriptive", f"{at}: {field} reworded")


def _of_waves(at: str, before: Column, after: Column, waves: Sequence[str]) -> Change:
    """No list means every wave; which those were is only known from the source."""
    words = f"{at}: waves {_listed(before.waves or (), 'every wave')} -> {_listed(after.waves or (), 'every wave')}"
    if after.waves is None:
        return Change("compatible", f"{words}; there are values where there were none")
    had = before.waves or tuple(waves)
    if had and set(had) <= set(after.waves):
        return Change("compatible", words)
    return Change("breaking", f"{words}; it is NULL in a wave that had it")


def _of_verdicts(before: Contract, after: Contract) -> Iterator[Change]:
    """Comparability, by variable and pair of waves."""
    old, new = _verdicts(before), _verdicts(after)
    nothing = ("none", "")
    for place in dict.fromkeys([*old, *new]):
        was, now = old.get(place, nothing), new.get(place, nothing)
        source, variable, wave, other_wave = place
        at = f"comparability of {variable} in {source} {wave} and {other_wave}"
        words = f"{at}: {was[0]} -> {now[0]}"
        if was[0] == now[0]:
            if was != now:
                yield Change("descriptive", f"{at}: reason or reference reworded")
        elif now[0] == "not_comparable" or " where " in now[0]:
            yield Change("breaking", f"{words}; pooled numbers disappear")
        elif was[0] == "not_comparable":
            yield Change("compatible", f"{words}; pooled numbers appear")
        else:
            yield Change("compatible" if now == nothing else "descriptive", words)


def _verdicts(contract: Contract) -> dict[tuple[str, str, str, str], tuple[str, str]]:
    """(source, variable, wave, wave) -> (verdict, everything else that is said of it)."""
    return {
        (entry.source, *pair): (
            f"{entry.verdict} where {entry.where}" if entry.where else entry.verdict,
            f"{entry.reason}\n{entry.reference}",
        )
        for entry in contract.comparability
        for pair in entry.pairs()
    }


def _listed(names: Sequence[str], nothing: str) -> str:
    return ", ".join(names) or nothing
