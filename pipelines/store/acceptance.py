"""What is accepted of one source and wave, and what was rejected since."""

from datetime import datetime
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
    """Table -> recipe of its accepted object. Rejections stand by the table they hold back (`raw` for a whole delivery)."""

    model_config = ConfigDict(frozen=True)

    tables: dict[str, str] = {}
    accepted_at: dict[str, datetime] = {}
    rejections: dict[str, Rejection] = {}

    @property
    def is_stale(self) -> bool:
        return bool(self.rejections)
