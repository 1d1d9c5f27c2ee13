"""Figures of report tables as SVG: prevalence by age band, and odds ratios as a forest plot.

Rows go in as the report tables have them (dicts by column name), labels come from study.yaml and the source's file. A row
without a number, because it is not reliable or may not be disclosed, is drawn as "not shown".
"""

from pipelines.release.figures.drawing import Figure
from pipelines.release.figures.forest import forest_figure
from pipelines.release.figures.prevalence import prevalence_figure

__all__ = ["Figure", "forest_figure", "prevalence_figure"]
