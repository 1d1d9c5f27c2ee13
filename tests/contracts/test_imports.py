"""Great Expectations takes seconds to import, and pandas comes with it: neither may come with the modules that name them."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.patience import PATIENCE_SECONDS

REPOSITORY = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("heavy", ["great_expectations", "pandas"])
def test_importing_and_loading_contracts_does_not_import(heavy: str) -> None:
    program = (
        "import sys; from pathlib import Path\n"
        "import pipelines.landing.readers, pipelines.raw.conform, pipelines.contracts.expectations\n"
        "from pipelines.contracts.model import load_contract\n"
        "folder = Path('data_contracts')\n"
        "load_contract(folder / 'raw' / 'nhanes_rxq_drug.odcs.yaml', folder / 'codebooks')\n"
        f"sys.exit({heavy!r} in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program], cwd=REPOSITORY, check=False, timeout=PATIENCE_SECONDS).returncode == 0
