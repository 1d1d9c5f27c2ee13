"""How a command ends: the numbers that a script or a scheduler goes by."""

from enum import IntEnum


class ExitCode(IntEnum):
    """What each number says; README.md has them as a table."""

    GOOD = 0
    LOOK = 1
    """The work was done, and a person must look: something was rejected or is wrong. Readers keep what was accepted before."""

    WRONG_USAGE = 2
    """Nothing was done: an option, an argument or a name on the command line is wrong."""

    COULD_NOT = 3
    """The work could not be done: another process is at work, no space, a setting or file that cannot be used, a bug."""

    INTERRUPTED = 130
    """Ctrl-C."""
