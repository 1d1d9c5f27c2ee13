"""What a person reads after a refresh: source, population and synthetic are named, and pooled waves come first."""

import io
from dataclasses import replace
from typing import Any

import duckdb
import polars as pl
import pytest

from pipelines.machine.console import PlainConsole
from pipelines.project.project import Project
from pipelines.project.sources import Source
from pipelines.release.page.quality import quality_table
from pipelines.report.scales import DIFFERENT_SCALES
from pipelines.stages import load_project
from pipelines.terminal.summary import _print_odds_ratios, _print_planted, _print_prevalence, _print_scales


@pytest.fixture(scope="module")
def project() -> Project:
    project = load_project()
    rounds = Source.model_validate(
        {
            "source": "rounds",
            "title": "A survey in two rounds",
            "design": "survey",
            "classification": "synthetic",
            "is_synthetic": True,
            "citation": "made for a test",
            "terms_of_use": "none",
            "waves": {"round2": {"tables": {}}, "round1": {"tables": {}}},
        }
    )
    asked = project.study.odds_ratios.model_copy(update={"populations": ["adults_20_plus", "women_20_44"]})
    study = project.study.model_copy(update={"odds_ratios": asked})
    return replace(project, study=study, sources=dict(project.sources) | {"rounds": rounds})


def printed(project: Project, what: Any, **tables: list[dict[str, Any]]) -> str:
    """What one of the parts prints of these rows of report tables; every column that a row lacks is NULL."""
    with duckdb.connect() as connection:
        connection.execute("create schema report")
        for name, rows in tables.items():
            frame = pl.DataFrame(rows, infer_schema_length=None)
            for column, kind in project.contracts[f"report.{name}"].column_types().items():
                if column not in frame.columns:
                    frame = frame.with_columns(pl.lit(None).cast(pl.Boolean if kind == "BOOLEAN" else pl.Float64).alias(column))
            connection.register("rows", frame.to_arrow())
            connection.execute(f"create table report.{name} as from rows")
        out = io.StringIO()
        console = PlainConsole(file=out, width=300)
        what(project, connection, console)
        return out.getvalue()


def ratio(population: str, odds_ratio: float | None, wave: str = "pooled", **more: Any) -> dict[str, Any]:
    return {
        "source": "rounds",
        "wave": wave,
        "population": population,
        "outcome": "has_cramps",
        "exposure": "is_sedentary",
        "exposure_level": "true",
        "reference_level": "false",
        "model": "adjusted",
        "odds_ratio": odds_ratio,
        "odds_ratio_lower": None if odds_ratio is None else odds_ratio - 0.1,
        "odds_ratio_upper": None if odds_ratio is None else odds_ratio + 0.1,
        "is_synthetic": True,
    } | more


def prevalence(wave: str, share: float, population: str = "adults_20_plus", band: str = "all") -> dict[str, Any]:
    row = {"source": "rounds", "wave": wave, "population": population, "outcome": "has_cramps", "age_band": band}
    return row | {"prevalence": share, "prevalence_lower": share, "prevalence_upper": share, "is_synthetic": True}


def test_odds_ratios_of_two_populations_stand_in_tables_that_name_them(project: Project) -> None:
    rows = [ratio("women_20_44", 1.14), ratio("adults_20_plus", 1.23)]
    said = printed(project, _print_odds_ratios, odds_ratios=rows)
    adults, women = said.split("Odds ratios (rounds, synthetic, ")[1:]
    assert adults.startswith("adults aged 20 and older)")
    assert "1.23 (1.13 to 1.33)" in adults
    assert women.startswith("women aged 20 to 44)")
    assert "1.14 (1.04 to 1.24)" in women


def test_where_waves_are_pooled_they_stand_for_all_and_otherwise_each_for_itself(project: Project) -> None:
    statin = {"exposure": "takes_statin"}
    rows = [
        *(ratio("adults_20_plus", value, wave) for wave, value in (("round1", 1.1), ("round2", 1.2), ("pooled", 1.3))),
        *(ratio("adults_20_plus", value, wave, **statin) for wave, value in (("round1", 2.1), ("round2", 2.2), ("pooled", None))),
    ]
    said = printed(project, _print_odds_ratios, odds_ratios=rows)
    lines = [line for line in said.splitlines() if "adjusted" in line]
    assert [[cell.strip() for cell in line.strip("│").split("│")][:2] for line in lines] == [
        ["No leisure-time physical activity", "pooled"],
        ["Statin", "round2"],  # as the source's file lists them
        ["Statin", "round1"],
    ]


def test_pooled_waves_are_taken_whatever_the_others_are_called(project: Project) -> None:
    rows = [prevalence("round1", 0.1), prevalence("round2", 0.2), prevalence("pooled", 0.15)]
    said = printed(project, _print_prevalence, prevalence_by_age_band=rows)
    assert "Prevalence, % (rounds pooled, synthetic)" in said
    assert "15.0 (15.0 to 15.0)" in said
    assert "20.0" not in said


def test_without_pooled_waves_the_last_one_of_the_source_is_taken(project: Project) -> None:
    said = printed(project, _print_prevalence, prevalence_by_age_band=[prevalence("round1", 0.1), prevalence("round2", 0.2)])
    assert "(rounds round1, synthetic)" in said


def test_what_was_planted_in_two_populations_is_told_apart(project: Project) -> None:
    planted = {"measure": "odds_ratio", "model": "matched", "planted": 9.34, "is_covered": True}
    rows = [
        ratio(population, None, "136-pairs", **planted, estimate=9.0, estimate_lower=4.0, estimate_upper=20.0)
        for population in ("adults_20_plus", "adults_60_plus")
    ]
    lines = printed(project, _print_planted, planted_truth=rows).splitlines()
    assert len(set(lines)) == len(lines) == 2
    about = "adults aged 60 and older, any leg cramps at night in the past month by no leisure-time physical activity"
    assert f"rounds 136-pairs, synthetic, {about}" in lines[1]


def test_an_outcome_that_a_held_back_table_does_not_have_is_left_empty(project: Project) -> None:
    outcomes = project.study.outcomes | {"is_pregnant": project.study.outcomes["has_cramps"].model_copy(update={"label": "Held"})}
    grown = replace(project, study=project.study.model_copy(update={"outcomes": outcomes}))
    said = printed(grown, _print_prevalence, prevalence_by_age_band=[prevalence("pooled", 0.15)])
    assert "Held" in said
    assert "15.0 (15.0 to 15.0)" in said
    said = printed(grown, _print_odds_ratios, odds_ratios=[ratio("adults_20_plus", 2.0)])
    assert "2.00" in said


def test_weights_of_different_scales_are_said_once_for_each_source_and_weight(project: Project) -> None:
    reason = f"fewer than 8 degrees of freedom; {DIFFERENT_SCALES}"
    marked = {"weight": "interview_weight", "presentation_reason": reason}
    rows = [prevalence("pooled", 0.15) | marked, prevalence("pooled", 0.2, band="80+") | marked]
    tables = {"prevalence_by_age_band": rows, "odds_ratios": [ratio("adults_20_plus", 1.3) | marked]}
    [line] = printed(project, lambda _, *rest: _print_scales(*rest), **tables).splitlines()
    assert line.startswith("rounds, interview_weight: the weights of the waves are on different scales")
    quality = quality_table([], [], {}, tables)
    assert quality.notes[1:] == [line.replace("interview_weight", "interview weight")]
