"""How often the intervals hold a truth that is known: `python -m tests.coverage`.

`estimators`: complex samples of a superpopulation whose true values are computed exactly, straight into the estimators, by
every method that they offer. `planted`: deliveries of the synthetic sources, through the project's own harmonising select,
estimators and `sql/report/planted_truth.sql`. All samples are drawn anew in memory. The suite runs the same with fewer seeds.
"""
