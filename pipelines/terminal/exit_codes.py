"""How a command ends: the numbers that a script or a scheduler goes by."""

from enum import IntEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pipelines.dagster.job import Refreshed


class ExitCode(IntEnum):
    """What each number says; docs/commands.md has them as a table."""

    GOOD = 0
    LOOK = 1
    """The work was done, and a person must look: something was rejected or is wrong. Readers keep what was accepted before."""

    WRONG_USAGE = 2
    """Nothing was done: an option, an argument or a name on the command line is wrong."""

    COULD_NOT = 3
    """The work could not be done: another process is at work, no space, a setting or file that cannot be used, a bug."""

    INTERRUPTED = 130
    """Ctrl-C."""


def exit_code_of(refreshed: "Refreshed") -> ExitCode:
    """A run that only says what stands rejected calls for a look; any other failure kept it from its work."""
    if refreshed.success:
        return ExitCode.LOOK if refreshed.rejected else ExitCode.GOOD
    return ExitCode.LOOK if refreshed.failures and not refreshed.broken else ExitCode.COULD_NOT
