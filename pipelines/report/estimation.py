"""What is estimated together: one wave of a source or all of them pooled, with the design and the weight that this calls for."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from pipelines.contracts.comparability import Comparability
from pipelines.machine.quoting import identifier
from pipelines.making.imputed import completed
from pipelines.project.ages import follows
from pipelines.project.conditions import columns_of
from pipelines.project.respondents import IMPUTED, POOLED
from pipelines.project.sources import Source
from pipelines.report.held import Held
from pipelines.report.respondents import Respondents, Scope


@dataclass(frozen=True)
class Received:
    """Records delivered in the raw tables that the respondents of a wave are the rows of, and of these, those set aside."""

    n_received: int
    n_set_aside: int


@dataclass(frozen=True)
class Estimation(Respondents):
    """The respondents of one source, and what the study asks of them.

    `received` (by wave): what they were harmonised from. `standing`: waves whose rows stand and are not asked
    for.
    """

    comparability: Sequence[Comparability] = ()
    received: Mapping[str, Received] = field(default_factory=dict)
    standing: frozenset[str] = frozenset()
    _beyond: dict[tuple[str, tuple[str, ...], str, str], bool] = field(default_factory=dict, repr=False)

    @property
    def age_bands(self) -> list[str]:
        """Labels of the study's age bands, youngest first."""
        return self.study.age_bands.frame()["age_band"].to_list()

    @property
    def outcomes(self) -> list[str]:
        """What is known of cases and noncases: the study's outcomes; of a case-control source what defines its cases."""
        return [self.source.case_definition or "is_case"] if self.is_matched else sorted(self.study.outcomes)

    @property
    def is_matched(self) -> bool:
        return self.source.design == "case_control"

    def is_imputed(self, variables: Collection[str]) -> bool:
        """Whether a question about these variables rests on values that were filled in."""
        return bool(self._imputed & set(variables))

    @cached_property
    def _imputed(self) -> frozenset[str]:
        return frozenset(imputed_of(self.source))

    def completions(self, variables: Collection[str]) -> "list[Estimation]":
        """The same respondents with each imputation of what is not known; themselves where nothing of it was imputed."""
        return self._completions if self.is_imputed(variables) else [self]

    @cached_property
    def _completions(self) -> "list[Estimation]":
        imputation = self.source.imputed
        assert imputation
        self.columns_read.update(f"{name}{IMPUTED}" for name in imputation.variables)
        found = []
        for number in range(1, imputation.imputations + 1):
            name = f"completed_{number}"
            bands = self.study.age_bands.frame()
            text = completed(self.respondents, self.columns, imputation, number, bands)
            self.connection.execute(f"create or replace temp view {name} as {text}")
            found.append(replace(self, respondents=name, held=Held(), _beyond={}, _counted={}, _summed={}, _levels={}))
        return found

    def rules(self, variables: Collection[str]) -> dict[str, str]:
        """How degrees of freedom are counted and sampling variances made, of a question about these variables."""
        rules = {"degrees_freedom_rule": self.degrees_freedom_rule, "variance_method": self.source.variance_method}
        if not self.source.imputed or not self.is_imputed(variables):
            return rules
        return {
            "degrees_freedom_rule": f"Barnard and Rubin 1999 on {self.degrees_freedom_rule}, rounded down",
            "variance_method": f"{self.source.variance_method}; {self.source.imputed.words}",
        }

    @property
    def degrees_freedom_rule(self) -> str:
        """How degrees of freedom are counted, among those with members of the domain."""
        if self.source.replicate_weights:
            return self.source.replicate_weights.degrees_freedom_rule
        units = "PSUs" if self.is_weighted and self.source.has_psus else "respondents"
        return f"{units} - {'strata' if self.is_weighted and self.source.has_strata else '1'}"

    def scopes(self) -> list[Scope]:
        """Each wave that is there and whose rows do not stand, and the pool of all declared waves where there are several."""
        scopes = [Scope(wave, (wave,)) for wave in self.waves if wave not in self.standing]
        if len(self.source.study_waves) > 1:
            scopes.append(Scope(POOLED, tuple(self.source.study_waves)))
        return scopes

    def refusal(self, scope: Scope, variables: Collection[str], population: str) -> str | None:
        """Why these variables cannot be estimated over this scope in a population, or None."""
        absent = [wave for wave in scope.waves if wave not in self.waves]
        if absent:
            return f"no accepted delivery of {', '.join(absent)}"
        if len(scope.waves) > 1 and self.source.replicate_weights and not self.source.panel:
            return (
                "waves with replicate weights are pooled only where they have the same strata and PSUs (panel: true in "
                f"{self.source.file}): whether replicates of two waves go together is not known"
            )
        if len(scope.waves) > 1 and self._moved_psus:
            return (
                f"{self._moved_psus:,} PSUs are in another stratum in another wave of the panel: return the same stratum for "
                f"all waves in the select, or leave panel: true out of {self.source.file}"
            )
        for judged in self.comparability:
            pooled = set(judged.waves) & set(scope.waves)
            named = sorted(set(judged.variables) & set(variables))
            if judged.source != self.source.source or len(pooled) < 2 or not named:
                continue
            if judged.verdict == "not_comparable":
                return f"{', '.join(named)} is not comparable between {' and '.join(sorted(pooled))}: {judged.reason}"
            each = self.completions(variables)[0]
            if judged.where and (beyond := [name for name in named if each._goes_beyond(judged.where, pooled, name, population)]):
                return (
                    f"{', '.join(beyond)} is comparable between {' and '.join(sorted(pooled))} where {judged.where} only, and "
                    f"others of this population have it: {judged.reason}"
                )
        return None

    def _goes_beyond(self, condition: str, waves: Collection[str], variable: str, population: str) -> bool:
        """Whether a variable is known of members of the population to whom the condition does not apply."""
        question = (condition, tuple(sorted(waves)), variable, population)
        if question not in self._beyond:
            self.columns_read.update({variable, *columns_of(condition)}, self.population_variables(population))
            people, (inside, meets) = self.people(question[1], (variable,), [self.study.populations[population].where, condition])
            found = self.connection.sql(
                f"select 1 from {people} where {inside} and {identifier(variable)} is not null and not {meets} limit 1"
            ).fetchall()
            self._beyond[question] = bool(found)
        return self._beyond[question]

    def weight(self, variables: Collection[str]) -> str | None:
        """The weight of the least common component among the variables; None for an unweighted source."""
        return self.source.weight_of(variables) if self.is_weighted else None

    def key(self, scope: Scope, population: str, outcome: str, weight: str | None) -> dict[str, Any]:
        """The columns that every row about an outcome in a population has."""
        return {
            "source": self.source.source,
            "wave": scope.wave,
            "population": population,
            "outcome": outcome,
            "weight": weight,
            "is_suppressed": False,
            "is_synthetic": self.source.is_synthetic,
        }


def imputed_of(source: Source) -> list[str]:
    """The columns of the respondents of a source that hold imputed values, and those that follow from them."""
    named = source.imputed.variables if source.imputed else []
    return sorted({*named, *follows(named)})
