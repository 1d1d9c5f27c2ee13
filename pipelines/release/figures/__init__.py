"""Figures of report tables as SVG: prevalence by age band, and odds ratios as a forest plot.

Rows go in as the report tables have them (dicts by column name), labels come from study.yaml and the source's file. A row
without a number, because it is not reliable or may not be disclosed, is drawn as "not shown".
"""
