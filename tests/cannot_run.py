"""What a test needs beyond the Python packages may be missing on a laptop, but not where a change is judged."""

import os
from typing import NoReturn

import pytest


def cannot_run(reason: str) -> NoReturn:
    """Skip the test, or fail it where CI is set; the reason says what to install."""
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)
