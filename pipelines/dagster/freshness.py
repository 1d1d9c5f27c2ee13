"""When what Dagster shows is too old: a night was missed."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import islice, pairwise

import dagster as dg
from dagster._utils.schedules import schedule_execution_time_iterator

from pipelines.project.project import Project
from pipelines.project.study import Nightly

SLACK = timedelta(hours=2)
"""How long a night may take before the last one counts as too old."""

TICKS = 400
"""More nights than a year has: both changes of the clock and every holiday of a cron expression are among them."""

READ = frozenset({"report", "release"})
"""The groups of assets that readers see."""


def nightly_freshness(project: Project, assets: Sequence[dg.AssetsDefinition]) -> list[dg.AssetsDefinition]:
    """The assets, of which those that readers see must be as young as the schedule makes them."""
    policy = dg.FreshnessPolicy.time_window(fail_window=longest_gap(project.study.nightly, datetime.now(UTC)) + SLACK)
    return [
        asset.map_asset_specs(lambda spec: dg.apply_freshness_policy(spec, policy) if spec.group_name in READ else spec)
        for asset in assets
    ]


def longest_gap(nightly: Nightly, now: datetime) -> timedelta:
    """The longest time from one night to the next in the year that begins now."""
    ticks = schedule_execution_time_iterator(now.timestamp(), nightly.cron, nightly.timezone)
    return max(other - one for one, other in pairwise(tick.astimezone(UTC) for tick in islice(ticks, TICKS)))
