"""Great Expectations beside the client of Spark, which it would import by itself."""

import subprocess
import sys

import pytest

from tests.patience import PATIENCE_SECONDS

AS_A_WORKER = (
    "from pipelines.contracts.duckdb_datasource import great_expectations; great_expectations(); {then}; print('still here')"
)


@pytest.mark.parametrize(("first", "then"), [("", "import pyspark"), ("import pyspark; ", "assert 'pyspark' in sys.modules")])
def test_judging_does_not_end_a_process_without_a_spark_of_its_own(first: str, then: str) -> None:
    command = [sys.executable, "-c", f"import sys; {first}{AS_A_WORKER.format(then=then)}"]
    ended = subprocess.run(command, capture_output=True, text=True, check=False, timeout=PATIENCE_SECONDS)
    assert ended.stdout == "still here\n", ended.stderr
