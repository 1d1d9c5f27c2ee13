"""Errors while something is made of one source: which of them are the machine's, and what a verdict says of the others.

What goes wrong with one source is its rejection, and the others go on. A fault of the machine is no verdict on anybody's data.
"""

import traceback
from pathlib import Path

import duckdb
import polars as pl
import pyarrow as pa

import pipelines
from pipelines.machine.disk import fault_of_the_machine, machine_fault, raise_if_full
from pipelines.machine.errors import CrampAtlasError, MachineFault, NoSpace, StoreDamaged, WarehouseBusy
from pipelines.making.engine import without_values
from pipelines.statistics import StatsError

ANY = (Exception, pl.exceptions.PanicException)
"""Whatever can be raised but interruptions. A panic of polars is no Exception in Python."""

OF_THE_MACHINE = (MemoryError, OSError, MachineFault, NoSpace, StoreDamaged, WarehouseBusy)

PACKAGE = Path(pipelines.__file__).parent


def verdict_on(error: BaseException, warehouse: Path) -> str:
    """Why something could not be made, in one line without anybody's values.

    Our own errors are quoted in full. Of any other only the type and the place are named: its text may hold a respondent's
    value. A fault of the machine is raised again, and a full disk as NoSpace.
    """
    raise_if_full(error, warehouse)
    if isinstance(error, OF_THE_MACHINE):
        raise error
    if fault := fault_of_the_machine(error):
        raise machine_fault(fault) from error
    if isinstance(error, (StatsError, CrampAtlasError)):
        return str(error)
    if isinstance(error, duckdb.Error):
        return without_values(error)
    if isinstance(error, pa.ArrowInvalid):
        return "a column does not have the type that the contract promises"
    return f"an unexpected error ({type(error).__name__}){_where(error)}: a fault of the program, report it with these words"


def _where(error: BaseException) -> str:
    """The last place in this package that the error went through."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if Path(frame.filename).is_relative_to(PACKAGE)]
    if not frames:
        return ""
    path = Path(frames[-1].filename).relative_to(PACKAGE.parent)
    return f" in {frames[-1].name} ({path}, line {frames[-1].lineno})"
