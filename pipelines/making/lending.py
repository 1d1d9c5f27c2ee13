"""Objects of the store, copied to where a server of Spark reads them that does not see the folders of this machine.

They are copies: the store stays what everything goes by. A copy is named by the content of its object, so one that is there and
as large is used again, and whatever removes copies between two nights does no harm.
"""

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import pyarrow as pa

from pipelines.machine.errors import MachineFault
from pipelines.machine.settings import Settings

SCHEMES = ("s3", "gs", "file")
SETTING = "CRAMP_ATLAS_SPARK_OBJECTS"

T = TypeVar("T")


def lender(settings: Settings) -> Callable[[Path], str]:
    """What says where the server finds an object: in its folder here, or at its copy, which is made if it is not there yet.

    Raises MachineFault, then and later, where there is a setting and it does not lead to storage; never with the address.
    """
    url = settings.spark_objects.get_secret_value().rstrip("/")
    if not url:
        return lambda path: str(path.absolute())
    from pyarrow import fs

    scheme = url.partition("://")[0]
    if scheme not in SCHEMES or "://" not in url:
        raise MachineFault(
            f"{SETTING} is no place for objects: set it to s3://bucket/folder, gs://bucket/folder or file:///folder"
        )
    here = fs.LocalFileSystem()
    there, folder = _reached(lambda: fs.FileSystem.from_uri(url))

    def lend(path: Path) -> str:
        copy = f"{folder}/{path.name}"

        def copied() -> None:
            found = there.get_file_info(copy)
            if found.type != fs.FileType.File or found.size != path.stat().st_size:
                if scheme == "file":
                    there.create_dir(folder)
                fs.copy_files(str(path.absolute()), copy, here, there)

        _reached(copied)
        return f"{scheme}://{copy}"

    return lend


def _reached(ask: Callable[[], T]) -> T:
    try:
        return ask()
    except (OSError, pa.ArrowException) as error:
        raise MachineFault(
            f"objects cannot be copied to the place that {SETTING} names ({type(error).__name__}): nothing was judged, readers "
            "keep the last release, and the next night tries again; if it stays, see whether it is there and may be written to"
        ) from None  # whose text may hold the address
