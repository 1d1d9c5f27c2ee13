"""JSON that says when it is not what was written: an object with the hash of everything else in it.

A file without a seal was written before there were seals, and is believed if it is an object at all.
"""

import hashlib
import json
from pathlib import Path
from typing import Any

SEAL = "seal"


class Unsound(ValueError):
    """What a file holds is not what was written into it."""


def sealed(text: str) -> str:
    """The JSON object in `text` with its seal."""
    content = json.loads(text)
    return json.dumps(content | {SEAL: _seal(content)}, indent=1, ensure_ascii=False)


def read_sealed(path: Path) -> dict[str, Any] | None:
    """The object in a file, None where there is no such file; raises Unsound where it is not what was written."""
    if not path.exists() and not path.is_symlink():
        return None
    if not path.is_file():
        raise Unsound(f"{path} is no file")
    try:
        content = json.loads(path.read_bytes())
    except (ValueError, RecursionError):
        raise Unsound(f"{path} is cut or overwritten") from None
    if not isinstance(content, dict) or content.pop(SEAL, None) not in {None, _seal(content)}:
        raise Unsound(f"{path} is not what was written")
    return content


def _seal(content: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True, ensure_ascii=False).encode("utf-8", "surrogatepass")).hexdigest()
