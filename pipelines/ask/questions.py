"""The questions, one function each. What their arguments share is told in the package's own text."""

from pathlib import Path

from pipelines.ask.answer import Answer
from pipelines.ask.asking import answer
from pipelines.ask.question import Names, Question, names


def prevalence(
    outcome: str,
    *,
    by: Names | None = None,
    adjust: Names | None = None,
    where: str = "true",
    source: str | None = None,
    wave: str | None = None,
    weight: str | None = None,
    project: str | Path | None = None,
) -> Answer:
    """Prevalence of an outcome, for each combination of `by` that occurs.

    With `adjust` it is standardised over the people asked about (marginal standardisation by a logistic model): what it would be
    at each level of the one column of `by`, all else being as it is.

    >>> from pipelines import ask
    >>> adjusted = ask.prevalence("takes_statin", by="takes_beta_agonist", adjust="age_band, sex", source="synthetic_survey")
    >>> adjusted.frame["takes_beta_agonist"].to_list(), adjusted.frame["adjusted_for"][0]
    ([False, True], 'age_band, sex')
    """
    return answer(
        Question(
            "prevalence",
            outcome.lower(),
            by=names(by),
            adjust=names(adjust),
            where=where,
            source=source,
            wave=wave,
            weight=weight,
        ),
        project,
    )


def mean(
    outcome: str,
    *,
    by: Names | None = None,
    where: str = "true",
    source: str | None = None,
    wave: str | None = None,
    weight: str | None = None,
    project: str | Path | None = None,
) -> Answer:
    """Mean of a number, for each combination of `by` that occurs.

    >>> from pipelines import ask
    >>> ask.mean("age_years", by="sex", where="takes_statin", source="synthetic_survey").frame["sex"].to_list()
    ['female', 'male']
    """
    return answer(Question("mean", outcome.lower(), by=names(by), where=where, source=source, wave=wave, weight=weight), project)


def total(
    outcome: str,
    *,
    by: Names | None = None,
    where: str = "true",
    source: str | None = None,
    wave: str | None = None,
    weight: str | None = None,
    project: str | Path | None = None,
) -> Answer:
    """How many people of the population have an outcome, or the sum of a number over them.

    >>> from pipelines import ask
    >>> answer = ask.total("takes_statin", by="sex", source="synthetic_survey").frame
    >>> bool((answer["total_lower"] < answer["total"]).all())
    True
    """
    return answer(Question("total", outcome.lower(), by=names(by), where=where, source=source, wave=wave, weight=weight), project)


def odds_ratio(
    outcome: str,
    exposure: str,
    *,
    adjust: Names | None = None,
    interaction: str | None = None,
    reference: str | None = None,
    by: Names | None = None,
    where: str = "true",
    source: str | None = None,
    wave: str | None = None,
    weight: str | None = None,
    project: str | Path | None = None,
) -> Answer:
    """Odds ratio of an outcome for each level of an exposure against its reference, crude or adjusted.

    `interaction`: a variable within whose levels the ratio is estimated, by one model, with a test of their being equal.

    >>> from pipelines import ask
    >>> asked = ask.odds_ratio("takes_statin", "takes_beta_agonist", interaction="sex", source="synthetic_survey").frame
    >>> asked["sex"].to_list(), asked["interaction_p_value"].n_unique()
    (['female', 'male'], 1)
    """
    return answer(
        Question(
            "odds_ratio",
            outcome.lower(),
            exposure.lower(),
            names(by),
            where=where,
            source=source,
            wave=wave,
            weight=weight,
            adjust=names(adjust),
            interaction=interaction.lower() if interaction else None,
            reference=reference,
        ),
        project,
    )


def prevalence_ratio(
    outcome: str,
    exposure: str,
    *,
    adjust: Names | None = None,
    interaction: str | None = None,
    reference: str | None = None,
    by: Names | None = None,
    where: str = "true",
    source: str | None = None,
    wave: str | None = None,
    weight: str | None = None,
    project: str | Path | None = None,
) -> Answer:
    """Prevalence ratio for each level of an exposure against its reference; adjusted, by a Poisson model.

    >>> from pipelines import ask
    >>> ask.prevalence_ratio("takes_statin", "takes_beta_agonist", source="synthetic_survey").frame["exposure_level"].to_list()
    ['true']
    """
    return answer(
        Question(
            "prevalence_ratio",
            outcome.lower(),
            exposure.lower(),
            names(by),
            where=where,
            source=source,
            wave=wave,
            weight=weight,
            adjust=names(adjust),
            interaction=interaction.lower() if interaction else None,
            reference=reference,
        ),
        project,
    )


def risk_difference(
    outcome: str,
    exposure: str,
    *,
    adjust: Names | None = None,
    interaction: str | None = None,
    reference: str | None = None,
    by: Names | None = None,
    where: str = "true",
    source: str | None = None,
    wave: str | None = None,
    weight: str | None = None,
    project: str | Path | None = None,
) -> Answer:
    """Difference of prevalences for each level of an exposure against its reference.

    Adjusted, it is that of the prevalences that `prevalence(..., adjust=...)` gives.

    >>> from pipelines import ask
    >>> of = {"adjust": ["age_band", "sex"], "source": "synthetic_survey"}
    >>> difference = ask.risk_difference("takes_statin", "takes_beta_agonist", **of)
    >>> difference.frame["prevalence_difference"].is_between(-1, 1).to_list()
    [True]
    """
    return answer(
        Question(
            "prevalence_difference",
            outcome.lower(),
            exposure.lower(),
            names(by),
            where=where,
            source=source,
            wave=wave,
            weight=weight,
            adjust=names(adjust),
            interaction=interaction.lower() if interaction else None,
            reference=reference,
        ),
        project,
    )


def trend(
    outcome: str,
    *,
    by: Names | None = None,
    where: str = "true",
    source: str | None = None,
    wave: str | None = None,
    weight: str | None = None,
    project: str | Path | None = None,
) -> Answer:
    """Whether an outcome rises or falls with age: the odds ratio from one age band to the next, for each combination of `by`.

    >>> from pipelines import ask
    >>> ask.trend("takes_statin", by="sex", source="synthetic_survey").frame["variable"].to_list()
    ['age_band', 'age_band']
    """
    return answer(Question("trend", outcome.lower(), by=names(by), where=where, source=source, wave=wave, weight=weight), project)
