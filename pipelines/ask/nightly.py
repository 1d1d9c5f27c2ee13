"""The lines of study.yaml by which the night answers a question, and what of it no table of the night answers."""

import re
from typing import Any

import sqlglot
import yaml

from pipelines.ask.question import Question
from pipelines.project.respondents import AGE_BAND
from pipelines.project.study import Study

LONGEST_NAME = 40

NOT_OF_THE_NIGHT = {
    "mean": "a mean",
    "total": "a total",
    "prevalence_difference": "a difference of prevalences",
}
"""Measures that no report table has."""


def study_lines(question: Question, study: Study) -> str:
    """YAML to add to study.yaml, section by section; comments say what of the question they leave out."""
    if question.measure in NOT_OF_THE_NIGHT or (question.measure == "prevalence" and question.adjust):
        what = NOT_OF_THE_NIGHT.get(question.measure, "an adjusted prevalence")
        return f"# no table of the night holds {what}: ask it again after a refresh"
    population, lines = _population(question, study)
    if question.outcome not in study.outcomes:
        lines["outcomes"] = {question.outcome: {"label": question.outcome}}
    exposure = question.exposure or next((name for name in question.by if _is_exposure(name)), None)
    if exposure:
        lines |= _exposure(exposure, population, question, study)
    told = yaml.safe_dump(lines, sort_keys=False, allow_unicode=True, width=200) if lines else ""
    said = [f"# {left_out}" for left_out in _left_out(question, study)]
    heading = ["# add to study.yaml, each line to its section:"] if lines else ["# study.yaml asks it already"]
    return "\n".join([*heading, *told.splitlines(), *said])


def _is_exposure(name: str) -> bool:
    return name not in (AGE_BAND, "sex")


def _population(question: Question, study: Study) -> tuple[str, dict[str, Any]]:
    """The population of the question: one that the study has, or a new one with its lines."""
    where = " ".join(question.where.split())
    if "--" in question.where or "/*" in question.where:
        where = sqlglot.parse_one(question.where, read="duckdb").sql(dialect="duckdb", comments=False)
    wants_bands = AGE_BAND in question.by
    for name, population in study.populations.items():
        if " ".join(population.where.split()) == where and (population.by_age_band or not wants_bands):
            return name, {}
    first = re.sub(r"[^a-z0-9]+", "_", where.lower()).strip("_")[:LONGEST_NAME].strip("_")
    name = "everybody" if where == "true" else f"those_{first}" if not first[:1].isalpha() else first
    while name in study.populations:
        name += "_too"
    settings: dict[str, Any] = {"label": "Everybody" if where == "true" else where, "where": where}
    return name, {"populations": {name: settings | ({"by_age_band": True} if wants_bands else {})}}


def _exposure(exposure: str, population: str, question: Question, study: Study) -> dict[str, Any]:
    known = study.exposures.get(exposure)
    if known is not None:
        populations = study.populations_of(exposure)
        if question.exposure is None or population in populations:
            return {}
        settings = known.model_dump(mode="json", exclude_none=True)
        return {"exposures": {exposure: settings | {"populations": [*populations, population]}}}
    said = question.reference if question.reference is not None else "false"
    reference: bool | str = {"true": True, "false": False}.get(said.lower(), said)
    settings = {"label": exposure, "reference": reference}
    return {"exposures": {exposure: settings | ({"populations": [population]} if question.exposure else {})}}


def _left_out(question: Question, study: Study) -> list[str]:
    left_out = []
    beyond = [name for name in question.by if question.exposure or question.measure == "trend" or _is_exposure(name)]
    if question.measure == "prevalence" and len(question.by) == len(beyond) == 1:
        beyond = []
    if beyond:
        left_out.append(f"no table of the night is split by {', '.join(beyond)} like this: make a population of each level")
    if question.exposure and question.adjust and set(question.adjust) != set(study.adjustment):
        left_out.append(f"the night adjusts all ratios for {', '.join(study.adjustment)} alike: see adjustment in study.yaml")
    if question.interaction:
        left_out.append("no table of the night has an interaction")
    if question.weight:
        left_out.append(f"the night takes the weight of the least common component, and {question.weight} only where it is that")
    return left_out
