"""Let a virtual environment have everything of another one beside what is installed into it, which comes first.

python .ci/beside.py .venv .venv-duckdb2
"""

import sys
import sysconfig
from pathlib import Path


def packages_of(environment: Path) -> Path:
    """Where the packages of an environment are that was made with this version of Python."""
    return Path(sysconfig.get_path("purelib", "venv", {"base": str(environment)}))


def main(other: str, own: str) -> int:
    """Name the packages of the other environment in the own one, and give it the other's commands, run by its own Python."""
    other_one, own_one = Path(other).absolute(), Path(own).absolute()
    named = f"import site; site.addsitedir({str(packages_of(other_one))!r})\n"
    (packages_of(own_one) / "beside.pth").write_text(named, encoding="utf-8")
    for command in (other_one / "bin").iterdir():
        copied = own_one / "bin" / command.name
        if command.is_symlink() or command.is_dir() or copied.exists() or not (first := command.read_bytes()).startswith(b"#!"):
            continue
        copied.write_bytes(first.replace(f"{other_one}/bin/python".encode(), f"{own_one}/bin/python".encode()))
        copied.chmod(0o755)
    return 0


if __name__ == "__main__":
    raise SystemExit(main(*sys.argv[1:]))
