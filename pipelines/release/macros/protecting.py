"""What of an answer about a restricted source is not told: rows of few people. Answers are not protected against one another."""

from collections.abc import Iterable

from pipelines.project.respondents import FOUR_CELLS
from pipelines.release.disclosure.hiding import HIDDEN

OF_A_SHARE = "n_respondents > 0 and least(n_cases, n_respondents - n_cases) < {least}"
OF_A_MEAN = "n_respondents between 1 and {least} - 1"
OF_FOUR_CELLS = "least(" + ", ".join(FOUR_CELLS) + ") < {least}"
"""When a row is of so few people that it is hidden, by the kind of answer."""


def protected(answer: str, is_small: str, numbers: Iterable[str]) -> str:
    """The select of an answer without what disclosure control hides for itself: the numbers of a row that holds few people of a
    restricted source. `{least}` is 0 of other sources."""
    hidden = ", ".join(f"case when not _is_small then {name} end as {name}" for name in numbers)
    return f"""
select * exclude (_is_small) replace ({hidden},
  case when {{least}} = 0 or n_missing not between 1 and {{least}} - 1 then n_missing end as n_missing,
  case when _is_small then 'suppress' else presentation end as presentation,
  case when _is_small then '{HIDDEN}' else presentation_reason end as presentation_reason), _is_small as is_suppressed
from (select *, {{least}} > 0 and coalesce({is_small}, false) as _is_small from ({answer})) order by all"""
