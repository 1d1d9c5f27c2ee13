"""What reading one file may cost. The numbers are settings of the machine (`CRAMP_ATLAS_READER_...`)."""

from dataclasses import dataclass

from pipelines.machine.settings import Settings


@dataclass(frozen=True)
class Limits:
    """Bounds of one reading: address space, seconds, bytes after decompression, entries of an archive, bytes of a text line."""

    memory: int
    seconds: int
    decompressed: int
    members: int
    line: int

    @classmethod
    def of(cls, settings: Settings) -> "Limits":
        return cls(
            memory=settings.reader_memory_limit,
            seconds=settings.reader_seconds_limit,
            decompressed=settings.reader_decompressed_limit,
            members=settings.reader_member_limit,
            line=settings.reader_line_limit,
        )


def in_bytes(number: int) -> str:
    """A number of bytes for a message."""
    return f"{number:,} bytes"
