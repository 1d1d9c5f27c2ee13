"""One question, three doors, one answer, and that of R."""

import csv
import math
import subprocess
from pathlib import Path
from typing import Any

import duckdb
import pytest
import scipy.stats

from tests.ask.doors import in_python, in_sql, on_the_terminal, people_of
from tests.atlas import Atlas
from tests.patience import PATIENCE_SECONDS

HERE = Path(__file__).parent
SOURCE = "synthetic_survey"
QUESTIONS = [row | {"source": SOURCE} for row in csv.DictReader((HERE / "questions.csv").open(encoding="utf-8", newline=""))]


def in_every_door(question: dict[str, Any]) -> bool:
    """SQL adjusts for nothing, splits no ratio and has no trend."""
    is_split_ratio = bool(question["exposure"] and question["by"])
    return not (question["adjust"] or question["interaction"] or is_split_ratio or question["measure"] == "trend")


@pytest.fixture(scope="module")
def of_r(published_synthetic: Atlas, tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[int, int], list[float]]:
    """Question and row -> estimate, standard error, degrees of freedom, p-value of an interaction."""
    path = tmp_path_factory.mktemp("people") / "people.csv"
    people_of(published_synthetic, SOURCE).write_csv(path)
    command = ["Rscript", str(HERE / "questions.R"), str(path), str(HERE / "questions.csv")]
    said = subprocess.run(command, capture_output=True, text=True, check=True, timeout=PATIENCE_SECONDS).stdout
    lines = [line.split("\t") for line in said.splitlines()]
    return {(int(number) - 1, int(row)): [float(one) for one in rest] for number, row, *rest in lines}


def numbers_of(row: dict[str, Any], measure: str) -> list[float]:
    """Estimate, standard error and degrees of freedom; a trend has the error in its interval."""
    column = "odds_ratio" if measure == "trend" else measure
    error = f"log_{column}_se" if column.endswith("_ratio") else f"{column}_se"
    return [row[column], row.get(error, math.nan), row["degrees_freedom"]]


def test_thirty_questions_have_one_answer_through_three_doors_and_it_is_that_of_r(
    published_synthetic: Atlas, of_r: dict[tuple[int, int], list[float]]
) -> None:
    asked = [(number, question) for number, question in enumerate(QUESTIONS) if in_every_door(question)]
    assert len(asked) == 30
    with duckdb.connect(str(published_synthetic.warehouse / "epi.duckdb"), read_only=True) as connection:
        for number, question in asked:
            sql = in_sql(connection, question)
            python = in_python(published_synthetic, question).frame.to_dicts()
            terminal = on_the_terminal(published_synthetic, question)
            assert sql
            assert len(sql) == len(python) == len(terminal)
            for index, (one, two, three) in enumerate(zip(sql, python, terminal, strict=True)):
                assert one.keys() <= two.keys(), question
                for name, value in one.items():
                    same = pytest.approx(value, rel=1e-10, abs=1e-14) if isinstance(value, float) else value
                    assert two[name] == same, (question, name)
                    assert three[name] == same, (question, name)
                wanted = of_r[number, index]
                assert numbers_of(one, question["measure"]) == pytest.approx(wanted[:3], rel=1e-8), question


def test_what_sql_cannot_ask_has_the_answer_of_r(published_synthetic: Atlas, of_r: dict[tuple[int, int], list[float]]) -> None:
    asked = [(number, question) for number, question in enumerate(QUESTIONS) if not in_every_door(question)]
    assert len(asked) == 10
    for number, question in asked:
        python = in_python(published_synthetic, question).frame.to_dicts()
        terminal = on_the_terminal(published_synthetic, question)
        assert python
        for index, (one, other) in enumerate(zip(python, terminal, strict=True)):
            assert {name: one[name] for name in other} == other
            estimate, error, degrees, p_value = of_r[number, index]
            found = numbers_of(one, question["measure"])
            if question["measure"] == "trend":  # its row has no error: the interval holds it
                assert [one["odds_ratio"], one["degrees_freedom"]] == pytest.approx([estimate, degrees], rel=1e-8)
                width = math.log(one["odds_ratio_upper"]) - math.log(one["odds_ratio_lower"])
                assert width == pytest.approx(2 * scipy.stats.t.ppf(0.975, degrees) * error, rel=1e-7)
                continue
            assert found == pytest.approx([estimate, error, degrees], rel=1e-8), question
            if question["interaction"]:
                assert one["interaction_p_value"] == pytest.approx(p_value, rel=1e-7)
    assert {number for number, _ in of_r} == set(range(len(QUESTIONS)))
