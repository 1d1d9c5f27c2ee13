"""The name of our own command, as it can be typed again where the process was started.

Messages everywhere say `cramp-atlas refresh`; consoles print it as it is typed here. What is stored, published or sent keeps the
plain name: it is read elsewhere.
"""

import os
import re
import shlex
import shutil
import sys
from pathlib import Path

NAME = "cramp-atlas"

COMMAND = re.compile(rf"(?<![\w./-]){NAME}(?= (?:[a-z]|--\w))")
"""The name before a subcommand or an option, not in a path, a version or an identifier."""


def typed_name(elsewhere: bool = False) -> str:
    """What the command is called by: the path that was typed, or its name where that is enough.

    `elsewhere`: what can be typed in any folder.
    """
    called = Path(sys.argv[0])
    if called.name != NAME or (called.is_absolute() and shutil.which(NAME)):
        return NAME
    try:
        here = Path.cwd()
    except FileNotFoundError:  # removed meanwhile
        return shlex.quote(str(called))
    if elsewhere:
        return shlex.quote(os.path.normpath(here / called))
    return shlex.quote(str(called.relative_to(here) if called.is_relative_to(here) else called))


def as_typed(text: str, elsewhere: bool = False) -> str:
    """A message with its commands as they can be typed."""
    return COMMAND.sub(lambda _: typed_name(elsewhere), text)
