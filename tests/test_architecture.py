"""Who may import whom (docs/architecture.md) is held by import-linter, which `make lint` runs."""

import ast
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent

PLANTED = {
    "pipelines/store/objects.py": "from pipelines.terminal import exit_codes",
    "pipelines/statistics/rates.py": "from pipelines.machine.errors import CrampAtlasError",
    "pipelines/report/trends.py": "from pipelines.core import harmonise",
    "pipelines/raw/conform.py": "import dagster",
}


def lint_imports(folder: Path) -> tuple[int, str]:
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"]
    environment = os.environ | {"PYTHONPATH": str(folder), "COLUMNS": "200", "NO_COLOR": "1"}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=300)
    return done.returncode, done.stdout + done.stderr


def test_an_import_against_the_order_is_found(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "pipelines", tmp_path / "pipelines", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    code, said = lint_imports(tmp_path)
    assert (code, "2 kept, 0 broken" in said) == (0, True), said
    for name, line in PLANTED.items():
        path = tmp_path / name
        path.write_text(f"{path.read_text(encoding='utf-8')}\n{line}\n", encoding="utf-8")
    code, said = lint_imports(tmp_path)
    assert code == 1
    for upward in ("store is not allowed to import pipelines.terminal", "statistics is not allowed to import pipelines.machine"):
        assert f"pipelines.{upward}" in said
    assert "pipelines.report is not allowed to import pipelines.core" in said
    assert "pipelines.raw is not allowed to import dagster" in said


def test_a_room_that_no_layer_names_is_found(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "pipelines", tmp_path / "pipelines", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    (tmp_path / "pipelines" / "loose.py").write_text('"""Lies flat."""\n', encoding="utf-8")
    code, said = lint_imports(tmp_path)
    assert code == 1
    assert "pipelines.loose" in said


def test_packages_hold_no_code_and_only_the_stages_lie_flat() -> None:
    flat = {path.name for path in (ROOT / "pipelines").glob("*.py")}
    assert flat == {"__init__.py", "stages.py"}
    for path in (ROOT / "pipelines").rglob("__init__.py"):
        described, *rest = ast.parse(path.read_text(encoding="utf-8")).body
        assert isinstance(described, ast.Expr), path
        named = [statement for statement in rest if not isinstance(statement, ast.ImportFrom)]
        assert all(ast.unparse(statement).startswith("__all__ = ") for statement in named), path


def test_no_test_waits_for_ever() -> None:
    """A process that does not end fails its test: whatever waits for one says how long."""
    started = {"run", "check_call", "check_output", "call"}
    endless = []
    for path in sorted((ROOT / "tests").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
                continue
            is_process = ast.unparse(node.func.value) == "subprocess" and node.func.attr in started
            is_wait = node.func.attr in {"wait", "communicate", "join"} and not node.args
            if (is_process or is_wait) and "timeout" not in {keyword.arg for keyword in node.keywords}:
                endless.append(f"{path.relative_to(ROOT)}:{node.lineno}")
    assert [place for place in endless if not place.startswith("tests/benchmarks/")] == []
