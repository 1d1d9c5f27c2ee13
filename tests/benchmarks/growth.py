"""How a first night grows with the number of respondents: `python -m tests.benchmarks.growth [WAVES]`.

From what `tests.benchmarks.night` kept of nights of so many waves, of the version that was measured last. Prints the processor
seconds of each stage with the power of the number of respondents that they grow by, of which 1 is linear, and draws
docs/assets/growth.svg.
"""

import csv
import math
import sys
from collections.abc import Mapping, Sequence
from statistics import linear_regression
from typing import Any

from rich.table import Table

from pipelines.machine.settings import REPOSITORY
from pipelines.release.figures.drawing import INK, PALETTE, ROWS, draw, heading, scale_of
from tests.benchmarks.night import STAGES, WHOLE, console
from tests.benchmarks.results import FOLDER

PICTURE = REPOSITORY / "docs" / "assets" / "growth.svg"

NIGHT, SHOWN = "first night", (WHOLE, *(stage for stage in STAGES if stage != "prune"))

LEAST_SECONDS = 0.5
"""What takes less is starting, and grows by nothing."""

Seconds = Mapping[float, float]
"""Millions of respondents -> processor seconds."""


def measured(waves: int) -> dict[str, Seconds]:
    """Stage -> its seconds, the newest of each size."""
    with (FOLDER / "night.csv").open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["night"] == NIGHT and int(row["waves"]) == waves]
    version = rows[-1]["commit"].removesuffix("-dirty")  # what is kept makes the tree dirty
    found: dict[str, dict[float, float]] = {stage: {} for stage in SHOWN}
    for row in rows:
        if row["commit"].removesuffix("-dirty") == version and row["stage"] in found:
            found[row["stage"]][float(row["millions"])] = float(row["cpu_seconds"])
    return {stage: dict(sorted(seconds.items())) for stage, seconds in found.items()}


def power(seconds: Seconds) -> float | None:
    """The slope of a line through the logarithms, by least squares; None where fewer than two sizes take any time."""
    points = [(math.log(millions), math.log(taken)) for millions, taken in seconds.items() if taken >= LEAST_SECONDS]
    return linear_regression(*zip(*points, strict=True)).slope if len(points) > 1 else None


def chart(waves: int) -> dict[str, Any]:
    """Lines of the stages, both axes logarithmic."""
    scale = {"type": "log", "nice": False}
    return {
        "title": heading("A first night by the number of respondents", f"Processor seconds on two cores, {waves} waves"),
        "data": {"name": ROWS},
        "width": 480,
        "height": 320,
        "mark": {"type": "line", "point": True},
        "encoding": {
            "x": {"field": "millions", "type": "quantitative", "scale": scale, "title": "million respondents"},
            "y": {"field": "seconds", "type": "quantitative", "scale": scale, "title": "processor seconds"},
            "color": {"field": "stage", "type": "nominal", "scale": scale_of(SHOWN, (INK, *PALETTE)), "sort": list(SHOWN)},
        },
    }


def points(found: Mapping[str, Seconds]) -> Sequence[dict[str, Any]]:
    """What is drawn."""
    return [
        {"stage": stage, "millions": millions, "seconds": taken}
        for stage, seconds in found.items()
        for millions, taken in seconds.items()
        if taken >= LEAST_SECONDS
    ]


def main(waves: int) -> None:
    """Print and draw."""
    found = measured(waves)
    sizes = sorted({millions for seconds in found.values() for millions in seconds})
    table = Table("stage", *(f"{size:g} million" for size in sizes), "power")
    for stage, seconds in found.items():
        slope = power(seconds)
        table.add_row(stage, *(f"{seconds.get(size, 0.0):,.1f}" for size in sizes), "" if slope is None else f"{slope:.2f}")
    console.print(table)
    PICTURE.write_text(draw(chart(waves), points(found), "Processor seconds of a night by stage and size").svg, encoding="utf-8")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 20)
