"""How often the intervals of the pipeline hold a truth that is known: `python -m tests.coverage`.

Every delivery is drawn anew in memory and goes through the project's own harmonising select, estimators and
`sql/report/planted_truth.sql`. The suite runs the same with fewer seeds of the survey.
"""
