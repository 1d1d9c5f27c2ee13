"""Who a table belongs to, from the `team` of its contract: whom Dagster shows, and who is told when something is wrong."""

import re
from collections.abc import Sequence

from open_data_contract_standard.model import Team, TeamMember

from pipelines.contracts.yaml_source import ProblemList

E_MAIL = re.compile(r"[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+\.[A-Za-z]{2,7}")
"""What Dagster takes as the address of an owner."""


def read_owners(team: Team | Sequence[TeamMember] | None, problems: ProblemList) -> tuple[str, ...]:
    """`team:<name>`, then the e-mail addresses (`username`) of the members who have not left (`dateOut`).

    A team without a name and without members has no owner. Adds to `problems` each `username` that is no e-mail address.
    """
    if team is None:
        return ()
    name, members = (team.name, team.members or []) if isinstance(team, Team) else (None, team)
    owners = [f"team:{name}"] if name else []
    for index, member in enumerate(members):
        if member.dateOut:
            continue
        if not E_MAIL.fullmatch(member.username or ""):
            at: list[str | int] = ["team", "members", index] if isinstance(team, Team) else ["team", index]
            problems.add(at, "username must be the e-mail address of a person who is told when something is wrong.")
        owners.append(member.username or "")
    return tuple(owners)
