"""Where the real NHANES files are, for the tests that read them."""

import os
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parent.parent


def nhanes_folder() -> Path:
    """The folder that holds `Nchs/Data/Nhanes/Public/...`; skips the test where there is none, but never in CI."""
    folder = Path(os.environ.get("CRAMP_ATLAS_TEST_NHANES", REPOSITORY.parent / "shared" / "nhanes"))
    if (folder / "Nchs").is_dir():
        return folder
    reason = f"there are no NHANES files in {folder}: name their folder in CRAMP_ATLAS_TEST_NHANES"
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)
