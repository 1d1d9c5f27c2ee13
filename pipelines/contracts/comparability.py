"""Whether a variable means the same in several waves of a source: verdicts in a source's file or in the contract.

What a verdict does to an estimate is decided where waves are pooled.
"""

from collections.abc import Collection, Iterator, Sequence
from itertools import combinations
from typing import Literal, Self

import sqlglot
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from sqlglot import exp
from sqlglot.errors import SqlglotError

from pipelines.machine.faults import fault_at, faults


class Verdict(BaseModel):
    """One verdict on some variables of a source, between every two of the waves, with its reason and where that can be read.

    `identical`: same question, codes and target. `recoded`: different as delivered, the same in this table. `not_comparable`:
    waves must not be pooled or set side by side as one series.

    `where`: a SQL condition on the respondents within which the verdict holds; outside it waves are not comparable.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    variables: tuple[str, ...] = Field(min_length=1)
    waves: tuple[str, ...] = Field(min_length=2)
    verdict: Literal["identical", "recoded", "not_comparable"]
    reason: str = Field(min_length=1, pattern=r"\S")
    reference: str = Field(min_length=1, pattern=r"\S")
    where: str | None = Field(None, min_length=1)

    @model_validator(mode="after")
    def _only_what_is_comparable_has_a_condition(self) -> Self:
        if self.where and self.verdict == "not_comparable":
            raise ValueError("where belongs to identical or recoded: it says for whom waves are comparable")
        return self

    @model_validator(mode="after")
    def _names_each_once(self) -> Self:
        named: tuple[tuple[str, Sequence[str]], ...] = (("variables", self.variables), ("waves", self.waves))
        for field, names in named:
            for index, name in enumerate(names):
                if name in names[:index]:
                    raise fault_at([field, index], f"names {name} twice: keep one")
        return self

    def pairs(self) -> Iterator[tuple[str, str, str]]:
        """(variable, wave, wave) of everything that is judged, the waves in the order of the alphabet."""
        for variable in self.variables:
            for one, other in combinations(sorted(self.waves), 2):
                yield variable, one, other


class Comparability(Verdict):
    """A verdict and the source that it is about."""

    source: str = Field(min_length=1)


def read_verdicts(given: object, columns: Collection[str]) -> tuple[list[Comparability], list[str]]:
    """The verdicts of a contract whose table has these columns, and everything that is wrong with them."""
    if not isinstance(given, list):
        return [], ["comparability must be a list of verdicts."]
    verdicts, problems = list[Comparability](), list[str]()
    for number, entry in enumerate(given, start=1):
        try:
            verdicts.append(Comparability.model_validate(entry))
        except ValidationError as error:
            problems += [
                fault.at(": ".join([f"verdict {number}", *([".".join(map(str, fault.location))] if fault.location else [])]))
                for fault in faults(error, Comparability)
            ]
    problems += contradictions(verdicts, columns)
    return verdicts, problems


def unjudged(
    verdicts: Sequence[Comparability], source: str, waves: Sequence[str], variables: Sequence[str]
) -> list[tuple[str, str, str]]:
    """(variable, wave, wave) of a source's waves that no verdict is about."""
    judged = {pair for verdict in verdicts if verdict.source == source for pair in verdict.pairs()}
    wanted = [(variable, *pair) for variable in variables for pair in combinations(sorted(waves), 2)]
    return [pair for pair in wanted if pair not in judged]


def _fault(condition: str, columns: Collection[str]) -> str | None:
    try:
        parsed = sqlglot.parse_one(condition, read="duckdb")
    except SqlglotError:
        return "is no SQL condition"
    unknown = sorted({column.name for column in parsed.find_all(exp.Column)} - set(columns))
    return f"names {', '.join(unknown)}, which is no column of the table" if unknown else None


def contradictions(verdicts: Sequence[Comparability], columns: Collection[str]) -> Iterator[str]:
    """What is judged twice, or is no column of the table."""
    seen: set[tuple[str, str, str, str]] = set()
    for number, verdict in enumerate(verdicts, start=1):
        for variable in verdict.variables:
            if variable not in columns:
                yield f"verdict {number}: the table has no column {variable}."
        if verdict.where and (fault := _fault(verdict.where, columns)):
            yield f"verdict {number}: where {fault}."
        for variable, one, other in verdict.pairs():
            if (verdict.source, variable, one, other) in seen:
                yield f"verdict {number}: {variable} of {verdict.source} is judged twice for {one} and {other}. Keep one verdict."
            seen.add((verdict.source, variable, one, other))
