"""What the columns and rows of the respondent table are called, whatever the study asks, and those of the tables made from it."""

REASON = "_missing"
"""Ends the name of the column that says why a variable is unanswered."""

IMPUTED = "_imputed"
"""Ends the name of the column with the list of the values that were imputed for a variable, of a source that has such."""

NOT_ASKED, MISSING = "not_asked", "missing"
"""Kinds of missing: nobody asked; unknown without anybody having said why."""

WEIGHTS = frozenset({"interview_weight", "exam_weight", "dietary_weight"})
POPULATION = "n_population"
"""The PSUs (people, where these were drawn) that a stratum has in all. A respondent table need not have it."""

REPLICATES_OF = {weight: weight.replace("_weight", "_replicate_weights") for weight in sorted(WEIGHTS)}
"""Weight -> the column with the list of its replicate weights. A respondent table need not have it."""

DESIGN_COLUMNS = WEIGHTS | {"stratum", "psu", POPULATION, *REPLICATES_OF.values(), "matched_set", "is_case"}

TEXT_OF = {"stratum": "stratum_text", "psu": "psu_text"}
"""Column of the design -> where it stands when the source's are text."""

AGE, AGE_BAND, SEX = "age_years", "age_band", "sex"

CELLS = "core.cells"
"""The respondents added up: made of them, read by estimators, and no table of a release."""

POOLED = "pooled"
"""The wave of a report row about all waves of a source."""

ALL = "all"
"""The age band or sex of a report row about everybody."""

FOUR_CELLS = ("exposed_cases", "exposed_noncases", "unexposed_cases", "unexposed_noncases")
"""The people of an odds ratio, by exposure and outcome."""
