"""How the commands speak: one console, help that teaches, and errors that an analyst can act on without a traceback."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import typer

from pipelines.machine.console import PlainConsole
from pipelines.machine.disk import is_full, no_space
from pipelines.machine.errors import ConfigurationError, CrampAtlasError, WrongUsage
from pipelines.machine.typed import as_typed
from pipelines.terminal.exit_codes import ExitCode

WIDTH_OF_A_FILE = 120

console = PlainConsole(width=None if sys.stdout.isatty() else WIDTH_OF_A_FILE)


class Commands(typer.Typer):
    """Commands of which an error that nobody foresaw is no verdict: its traceback is shown, and it ends with 3 instead of 1."""

    def __call__(self, *arguments: Any, **options: Any) -> Any:
        try:
            return super().__call__(*arguments, **options)
        except Exception as error:
            sys.excepthook(type(error), error, error.__traceback__)
            raise SystemExit(ExitCode.COULD_NOT) from error


def ends(example: str, look: str | None = None) -> str:
    """The end of a command's help: an example, and how the command ends; `look` says when a person must look."""
    codes = [f"{ExitCode.GOOD:d} when all is well"]
    if look:
        codes.append(f"{ExitCode.LOOK:d} {look}")
    codes += [f"{ExitCode.WRONG_USAGE:d} on wrong usage", f"{ExitCode.COULD_NOT:d} when it could not work"]
    return f"**Example:** `{as_typed(example)}`\n\n**Ends with** {', '.join(codes)}."


@contextmanager
def explained() -> Iterator[None]:
    """Print an error that an analyst can act on, and end with 2 where the command line is wrong, otherwise with 3.

    An interruption is said and goes on to end the command with 130. Other errors go on as they are.
    """
    try:
        yield
    except KeyboardInterrupt:
        say("interrupted: readers keep the last release, and what is made is kept")
        raise
    except CrampAtlasError as error:
        _fail(error, ExitCode.WRONG_USAGE if isinstance(error, WrongUsage) else ExitCode.COULD_NOT)
    except Exception as error:
        known = _about_settings(error) or (no_space(_warehouse()) if is_full(error) else _about_dagster(error))
        if known is None:
            raise
        _fail(known, ExitCode.COULD_NOT)


def _fail(error: CrampAtlasError, code: ExitCode) -> None:
    console.print(str(error), style="red", soft_wrap=True)
    raise typer.Exit(code) from error


def _about_settings(error: Exception) -> CrampAtlasError | None:
    """What is wrong with the environment's settings, where that is what the error comes from."""
    from pydantic import ValidationError

    from pipelines.machine.faults import faults
    from pipelines.machine.settings import Settings

    if not isinstance(error, ValidationError) or error.title != Settings.__name__:
        return None
    return ConfigurationError([fault.at(f"CRAMP_ATLAS_{str(fault.location[0]).upper()}") for fault in faults(error, Settings)])


def _about_dagster(error: Exception) -> CrampAtlasError | None:
    """What is wrong with the settings or the storage of DAGSTER_HOME, where that is what the error comes from."""
    if "dagster" not in sys.modules:
        return None
    from pipelines.dagster.home import home_problem

    return home_problem(error)


def _warehouse() -> Path:
    from pipelines.machine.settings import Settings

    return Settings().warehouse_folder


def say(text: str) -> None:
    """One line as it is: no markup, no colours, not cut."""
    console.print(text, soft_wrap=True)
