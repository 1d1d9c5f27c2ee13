"""What an attacker knows of the synthetic survey, and what its published rows tell him.

He knows what the words mean: frequent cramps are cramps, sedentary is no activity, a loop diuretic is a diuretic, and the
questions about medicines were left unanswered together.
"""

from collections.abc import Iterator
from typing import Any

from tests.release.disclosure.attack import Attacker, Condition, Group, crossed

SURVEY = "synthetic_survey"
MINIMUM = 11

COUNTED = (
    "prevalence_by_age_band",
    "prevalence_by_age_band_and_sex",
    "prevalence_by_exposure",
    "prevalence_age_standardised",
    "trends",
    "odds_ratios",
)
ESTIMATES = (
    *("prevalence", "prevalence_se", "n_effective", "odds_ratio", "p_value", "e_value", "prevalence_ratio"),
    *("odds_ratio_exact_lower", "odds_ratio_exact_upper", "e_value_limit", "p_value_family_size"),
)
CELLS = ("exposed_cases", "exposed_noncases", "unexposed_cases", "unexposed_noncases")

AGES = {"16-19": 16, "20-29": 20, "30-39": 30, "40-49": 40, "40-49 from 45": 45, "50-59": 50, "60-69": 60, "70-79": 70, "80+": 80}
STATES = ["no cramps", "rare cramps", "frequent cramps", "no answer"]
DIURETICS = [frozenset(kinds) for kinds in ((), "l", "t", "p", "lt", "lp", "tp", "ltp")]
ANSWERS: dict[str, list[Any]] = {
    "activity": ["none", "moderate", "vigorous", None],
    "diuretics": [*DIURETICS, None],
    "beta_agonists": ["none", "short", "long", None],
    "statins": ["false", "true", None],
}
MEDICINES = ("diuretics", "beta_agonists", "statins")
CORNERS = {
    "16-19": {"everyone_asked"},
    "women 20-44": {"everyone_asked", "adults_20_plus", "women_20_44"},
    "others 20-59": {"everyone_asked", "adults_20_plus"},
    "60+": {"everyone_asked", "adults_20_plus", "adults_60_plus"},
}


def corner(age: int, sex: str) -> str:
    if age < 20:
        return "16-19"
    if age >= 60:
        return "60+"
    return "women 20-44" if sex == "female" and age < 45 else "others 20-59"


def exposure_level(exposure: str, answer: Any) -> str | None:
    """The level of an exposure that an answer means."""
    if answer is None:
        return None
    if exposure in ("activity_level", "takes_statin"):
        return str(answer)
    meant = {
        "is_sedentary": answer == "none",
        "takes_diuretic": bool(answer),
        "takes_loop_diuretic": "l" in answer,
        "takes_thiazide_diuretic": "t" in answer,
        "takes_potassium_sparing_diuretic": "p" in answer,
        "takes_beta_agonist": answer in ("short", "long"),
        "takes_long_acting_beta_agonist": answer == "long",
    }
    return str(meant[exposure]).lower()


def question(exposure: str) -> str:
    if exposure in ("is_sedentary", "activity_level"):
        return "activity"
    if exposure == "takes_statin":
        return "statins"
    return "diuretics" if exposure.endswith("diuretic") else "beta_agonists"


def outcome(name: str, state: str) -> bool | None:
    if state == "no answer":
        return None
    return state == "frequent cramps" or (name == "has_cramps" and state == "rare cramps")


def picture() -> Attacker:
    by_age = crossed(view=["age"], age=list(AGES), sex=["female", "male"], state=STATES, known=[True, False])
    groups = [group | {"corner": corner(AGES[group["age"]], group["sex"])} for group in by_age]
    for view, answers in ANSWERS.items():
        groups += crossed(view=[view], corner=list(CORNERS), answer=answers, state=STATES, known=[True, False])
    attacker = Attacker(groups)

    def same(view: str, other: str, condition: Condition) -> None:
        attacker.learn_equal(
            lambda group: group["view"] == view and condition(group), lambda group: group["view"] == other and condition(group)
        )

    for place in crossed(corner=list(CORNERS), state=STATES, known=[True, False]):
        for view in ANSWERS:
            same("age", view, lambda group, place=place: group.items() >= place.items())  # type: ignore[misc]
        for view in MEDICINES[1:]:
            same(MEDICINES[0], view, lambda group, place=place: group["answer"] is None and group.items() >= place.items())  # type: ignore[misc]
    return attacker


def published_counts(row: Group) -> Iterator[tuple[str, Condition]]:
    """The counts of a row of any report table, and those that follow within it, as conditions on the attacker's groups."""

    def with_answers(*answers: bool | None, view: str = "age", also: Condition = lambda group: True) -> Condition:
        return lambda group: (
            group["view"] == view
            and row["population"] in CORNERS[group["corner"]]
            and outcome(row["outcome"], group["state"]) in answers
            and also(group)
        )

    if "model" in row:
        view = question(row["exposure"])

        def is_analysed(group: Group) -> bool:
            return group["answer"] is not None and (row["model"] == "crude" or group["known"])

        def at(level: str) -> Condition:
            return lambda group: is_analysed(group) and exposure_level(row["exposure"], group["answer"]) == row[level]

        for column, level, is_case in zip(
            CELLS, ["exposure_level"] * 2 + ["reference_level"] * 2, [True, False] * 2, strict=True
        ):
            yield column, with_answers(is_case, view=view, also=at(level))
        answered = with_answers(True, False, view=view, also=is_analysed)
        anybody = with_answers(True, False, None, view=view)
        yield "n_missing", lambda group: anybody(group) and not answered(group)
        return

    def is_meant(group: Group) -> bool:
        return (
            row.get("age_band", "all") in ("all", group.get("age", "").removesuffix(" from 45"))
            and row.get("sex", "all") in ("all", group.get("sex"))
            and ("exposure" not in row or exposure_level(row["exposure"], group["answer"]) == row["exposure_level"])
        )

    view = question(row["exposure"]) if "exposure" in row else "age"
    columns = {"n_respondents": (True, False), "n_cases": (True,), "n_others": (False,), "n_missing": (None,)}
    for column, answers in columns.items():
        yield column, with_answers(*answers, view=view, also=is_meant)


def is_small(row: Group, column: str) -> bool:
    """Whether a count of a row of the full tables must stay unknown."""
    if row.get(column) is None:
        return False
    of = {
        "n_cases": "n_respondents",
        "n_others": "n_respondents",
        "exposed_cases": "n_exposed",
        "exposed_noncases": "n_exposed",
        "unexposed_cases": "n_unexposed",
        "unexposed_noncases": "n_unexposed",
    }
    if column in of:
        return bool(row[of[column]] and row[column] < MINIMUM)
    return bool(0 < row[column] < MINIMUM)


def with_what_follows(row: Group) -> Group:
    if "model" in row:
        return row | {group: row[f"{group[2:]}_cases"] + row[f"{group[2:]}_noncases"] for group in ("n_exposed", "n_unexposed")}
    return row | ({"n_others": row["n_respondents"] - row["n_cases"]} if "n_cases" in row else {})
