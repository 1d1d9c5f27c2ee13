"""Questions about the people of a published release, asked in Python: the answers that SQL and `cramp-atlas ask` give.

>>> from pipelines import ask
>>> asked = ask.prevalence("takes_statin", by="sex", where="age_years >= 60", source="synthetic_survey")
>>> asked.frame.select("sex", "weight", "confidence_level").rows()
[('female', 'interview_weight', 0.95), ('male', 'interview_weight', 0.95)]

Each function returns an Answer: `frame` is a polars frame with the columns of the macro of that name, `chart()` an Altair chart,
`passport` what the answer rests on, `study_lines()` the lines of study.yaml that ask the question every night.

In all of them `by` and `adjust` name columns of the respondents (a list, or a text with commas), `where` is a condition on one
person, `source` and `wave` say of whom, `weight` names another weight than that of the least common component, and `project` the
folder of the project, where it is not the one that commands work on. They raise Refused, with the reason, where a question has no
answer. More: docs/ask.md.
"""

from pipelines.ask.answer import Answer
from pipelines.ask.question import Refused
from pipelines.ask.questions import (
    mean,
    odds_ratio,
    prevalence,
    prevalence_ratio,
    risk_difference,
    total,
    trend,
)

__all__ = ["Answer", "Refused", "mean", "odds_ratio", "prevalence", "prevalence_ratio", "risk_difference", "total", "trend"]
