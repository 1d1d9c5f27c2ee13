"""The group of an age, in SQL, and which columns follow from it."""

from collections.abc import Collection, Iterable

from pipelines.machine.quoting import literal
from pipelines.project.respondents import AGE, AGE_BAND


def group_of_age(age: str, groups: Iterable[tuple[str, int, int]], otherwise: str = "null") -> str:
    """The SQL expression for the group of the SQL expression `age`: (group, lowest age, which it holds, and the end, which it
    does not hold). `otherwise` is SQL, too, for ages in none."""
    cases = " ".join(f"when {age} >= {lower} and {age} < {upper} then {literal(group)}" for group, lower, upper in groups)
    return f"case {cases} else {otherwise} end"


def follows(columns: Collection[str]) -> dict[str, str]:
    """Column that every source gets for another one of these, whatever its select returns -> that other."""
    return {AGE_BAND: AGE} if AGE in columns else {}
