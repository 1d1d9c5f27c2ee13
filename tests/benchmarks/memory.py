"""Peak memory of this process."""

import resource
import sys
from pathlib import Path


def peak_megabytes() -> float:
    """Largest resident size so far, Python and its packages included.

    Not ru_maxrss on Linux: there a process begins with the peak of the one that started it.
    """
    if sys.platform == "linux":
        status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
        return int(status["VmHWM"].split()[0]) / 1_000
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1_000_000
