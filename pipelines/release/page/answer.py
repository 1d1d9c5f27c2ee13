"""What the page opens with: the prevalence of each outcome and the odds ratios of the exposures asked about, in sentences.

Every number is that of a row of the public report tables: what is hidden or held back there is named as not shown.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from pipelines.project.respondents import ALL, POOLED
from pipelines.project.sources import Source
from pipelines.project.words import within
from pipelines.release.formatting import Row, count, percent, ratio_with_interval
from pipelines.release.page.labels import Labels

MODELS = ("adjusted", "matched", "mantel_haenszel", "crude")
"""The model that the answer is from is the first of these that an exposure has an estimate by."""

UNBROKEN = "\N{NO-BREAK SPACE}"

BY_MODEL = {
    "adjusted": ("adjusted", "adjusted for {}"),
    "matched": ("matched", "matched on {}"),
    "mantel_haenszel": ("by Mantel-Haenszel", "by Mantel-Haenszel, stratified by {}"),
    "crude": ("not adjusted for anything", "not adjusted for anything"),
}
"""What is said of a model where the row does not say what it allows for, and where it does."""


@dataclass(frozen=True)
class OutcomeAnswer:
    """What is said of one outcome: its share, then for each population and model a beginning and the odds ratios that end it.

    `cautions` are (what is shown with a reservation or not at all, why).
    """

    label: str
    prevalence: str
    odds_ratios: Sequence[tuple[str, Sequence[str]]]
    cautions: Sequence[tuple[str, str]] = ()

    @property
    def sentences(self) -> list[str]:
        """Everything as running text."""
        ratios = [f"{beginning} {'; '.join(ends)}." for beginning, ends in self.odds_ratios]
        return [part for part in (self.prevalence, *ratios) if part]


@dataclass(frozen=True)
class Answer:
    """What one source says on the question of the study. `stale` are its waves that stand at an older delivery."""

    source: Source
    outcomes: Sequence[OutcomeAnswer]
    stale: Sequence[str]

    @property
    def cautions(self) -> list[str]:
        """What a reader must know of numbers that are shown with a reservation, and why others are not shown."""
        of_reason: dict[str, dict[str, None]] = {}
        for outcome in self.outcomes:
            for name, reason in outcome.cautions:
                of_reason.setdefault(reason, {})[name] = None
        return [f"{_listed([*names])}: {reason}." for reason, names in of_reason.items()]


def answer_of(labels: Labels, reports: Mapping[str, Sequence[Row]], stale: Sequence[str]) -> Answer | None:
    """The answer of one source, from rows in words; None where it has neither prevalences nor odds ratios."""
    outcomes = [
        _of_outcome(
            labels,
            label.label,
            [row for row in reports["prevalence_by_age_band"] if row["outcome"] == outcome and row["age_band"] == ALL],
            [row for row in reports["odds_ratios"] if row["outcome"] == outcome],
        )
        for outcome, label in labels.study.outcomes.items()
    ]
    said = [outcome for outcome in outcomes if outcome.sentences]
    return Answer(labels.source, said, stale) if said else None


def _of_outcome(labels: Labels, label: str, prevalence: Sequence[Row], odds_ratios: Sequence[Row]) -> OutcomeAnswer:
    everybody = [row for row in prevalence if labels.study.populations[row["population"]].by_age_band]
    shares = _best(labels, everybody, "prevalence")
    ratios = [row for name in labels.study.asked_about for row in _of_exposure(labels, odds_ratios, name)]
    cautions = [("Prevalence", row["presentation_reason"]) for row in shares if row["presentation_reason"]]
    cautions += [(labels.exposures[row["exposure"]], row["presentation_reason"]) for row in ratios if row["presentation_reason"]]
    return OutcomeAnswer(label, _prevalence(labels, shares), list(_odds_ratios(labels, ratios)), cautions)


def _best(labels: Labels, rows: Sequence[Row], number: str) -> list[Row]:
    """The rows of the pooled waves where these have a number, otherwise of each wave that has one; else what hides it."""
    pooled = [row for row in rows if row["wave"] == POOLED]
    if any(row[number] is not None for row in pooled):
        return pooled
    single = [row for row in rows if row["wave"] != POOLED]
    return [row for row in single if row[number] is not None] or labels.latest(rows)


def _prevalence(labels: Labels, rows: Sequence[Row]) -> str:
    """A sentence for each population."""
    sentences = []
    for population in dict.fromkeys(row["population"] for row in rows):
        people = within(labels.study.populations[population].label)
        shares = [f"{_share(labels, row)}{_in_wave(labels, row)}" for row in rows if row["population"] == population]
        sentences.append(f"The prevalence among {people} is {_listed(shares)}.")
    return " ".join(sentences)


def _share(labels: Labels, row: Row) -> str:
    if row["prevalence"] is None:
        return "not shown"
    respondents = "" if row["n_respondents"] is None else f"; {count(row['n_respondents'])} respondents"
    interval = f"{labels.interval} {percent(row['prevalence_lower'])} to {percent(row['prevalence_upper'])}"
    return f"{percent(row['prevalence'])}{UNBROKEN}% ({interval}{respondents})"


def _of_exposure(labels: Labels, rows: Sequence[Row], exposure: str) -> list[Row]:
    """The rows of an exposure in the first population that it has some in, by the first model that has an estimate."""
    ours = [row for row in rows if row["exposure"] == exposure]
    for population in labels.study.populations_of(exposure):
        of_population = [row for row in ours if row["population"] == population]
        for model in MODELS:
            of_model = [row for row in of_population if row["model"] == model]
            if any(row["odds_ratio"] is not None for row in of_model):
                return _best(labels, of_model, "odds_ratio")
        if of_population:
            return _best(labels, [row for row in of_population if row["model"] == of_population[0]["model"]], "odds_ratio")
    return []


def _odds_ratios(labels: Labels, rows: Sequence[Row]) -> Iterator[tuple[str, list[str]]]:
    """A beginning for each population and model, and what ends it for each contrast, its waves together."""
    for key in dict.fromkeys(_group(row) for row in rows):
        population, model, adjusted_for = key
        people = within(labels.study.populations[population].label)
        alone, with_names = BY_MODEL[model]
        how = with_names.format(labels.names(adjusted_for)) if adjusted_for else alone
        of_group = [row for row in rows if _group(row) == key]
        contrasts = dict.fromkeys((row["exposure"], row["exposure_level"], row["reference_level"]) for row in of_group)
        ends = []
        for exposure, level, reference in contrasts:
            alike = [row for row in of_group if (row["exposure"], row["exposure_level"]) == (exposure, level)]
            numbers = _listed([f"{_ratio(labels, row)}{_in_wave(labels, row)}" for row in alike])
            ends.append(f"{numbers} for {_contrast(labels, exposure, level, reference)}")
        yield f"The odds ratio ({labels.interval}) among {people}, {how}, is", ends


def _group(row: Row) -> tuple[str, str, str | None]:
    return row["population"], row["model"], row["adjusted_for"]


def _ratio(labels: Labels, row: Row) -> str:
    return "not shown" if row["odds_ratio"] is None else ratio_with_interval(row)


def _contrast(labels: Labels, exposure: str, level: str, reference: str | None) -> str:
    name = within(labels.exposures[exposure])
    if (level, reference) == ("true", "false"):
        return name
    return f"{name}, {level}" if reference is None else f"{name}, {within(level)} against {within(reference)}"


def _in_wave(labels: Labels, row: Row) -> str:
    """Which wave a number is of, where the source has several and they are not taken together."""
    return "" if row["wave"] == POOLED or len(labels.source.study_waves) == 1 else f" in {row['wave']}"


def _listed(words: Sequence[str]) -> str:
    """`a, b and c`."""
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
