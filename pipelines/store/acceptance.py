"""What is accepted of one source and wave, and what was rejected since."""

from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict

Cause = Literal["delivery", "contract", "harmonisation", "estimate"]


class Rejection(BaseModel):
    """A candidate that did not replace what is accepted: who must act (`cause`) and everything that is wrong."""

    model_config = ConfigDict(frozen=True)

    cause: Cause
    problems: list[str]
    recipes: dict[str, str]
    rejected_at: datetime


class Acceptance(BaseModel):
    """Table -> recipe of its accepted object. Rejections stand by the table they hold back (`raw` for a whole delivery).

    `postponed` says why what has landed could not be judged in the last night, which is no verdict on it.
    """

    model_config = ConfigDict(frozen=True)

    tables: dict[str, str] = {}
    accepted_at: dict[str, datetime] = {}
    rejections: dict[str, Rejection] = {}
    postponed: list[str] = []

    @property
    def is_stale(self) -> bool:
        return bool(self.rejections)


def with_accepted(acceptance: Acceptance, held_back: str, recipes: Mapping[str, str]) -> Acceptance:
    """Accept these recipes and lift the rejection that held them back."""
    now = datetime.now(UTC)
    news = {table: recipe for table, recipe in recipes.items() if acceptance.tables.get(table) != recipe}
    return Acceptance(
        tables=acceptance.tables | news,
        accepted_at=acceptance.accepted_at | dict.fromkeys(news, now),
        rejections={name: rejection for name, rejection in acceptance.rejections.items() if name != held_back},
        postponed=acceptance.postponed,
    )


def with_postponed(acceptance: Acceptance, reasons: list[str]) -> Acceptance:
    """Note why nothing could be judged tonight; with no reason the note is taken away."""
    return acceptance.model_copy(update={"postponed": reasons})


def only_of(acceptance: Acceptance, names: Collection[str]) -> Acceptance:
    """Without the rejections of what the project does not have any more."""
    return acceptance.model_copy(
        update={"rejections": {name: rejection for name, rejection in acceptance.rejections.items() if name in names}}
    )


def with_rejection(
    acceptance: Acceptance, held_back: str, cause: Cause, problems: list[str], recipes: Mapping[str, str]
) -> Acceptance:
    """Keep what is accepted and note the rejection; the same rejection keeps its first date."""
    before = acceptance.rejections.get(held_back)
    since = before.rejected_at if before and before.recipes == recipes else datetime.now(UTC)
    rejection = Rejection(cause=cause, problems=problems, recipes=dict(recipes), rejected_at=since)
    return acceptance.model_copy(update={"rejections": acceptance.rejections | {held_back: rejection}})
