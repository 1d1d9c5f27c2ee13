"""`python -m tests.ask.page`: docs/notebooks/explore.md, the notebook as a page with what it answers of the project at hand."""

import re
from pathlib import Path
from types import ModuleType
from typing import Any

from pipelines.machine.settings import REPOSITORY

NOTEBOOK = REPOSITORY / "docs" / "notebooks" / "explore.py"
PAGE = NOTEBOOK.with_suffix(".md")

HEADING = "<!-- Made by `python -m tests.ask.page` from explore.py and the embedded synthetic survey. -->\n"

WORDS = re.compile(r'mo\.md\(\s*r?f?"""(.*?)"""\s*\)', re.DOTALL)


def notebook() -> ModuleType:
    """The notebook as a module."""
    import importlib.util

    spec = importlib.util.spec_from_file_location("explore", NOTEBOOK)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def cells_of(module: ModuleType) -> list[tuple[str, Any]]:
    """Code and output of each cell, after running all of them."""
    outputs, _ = module.app.run()
    codes = list(module.app._cell_manager.codes())
    return list(zip(codes, outputs, strict=True))


def page(module: ModuleType, figures: Path) -> str:
    """The page: words as words, code as code, frames as tables, charts as files in `figures`."""
    parts = [HEADING]
    for number, (code, output) in enumerate(cells_of(module), start=1):
        if code.lstrip().startswith("mo.md("):
            parts.append(_words(code))
            continue
        parts.append(f"```python\n{code.strip()}\n```")
        if hasattr(output, "save"):
            figure = figures / f"explore_{number}.svg"
            output.save(figure)
            parts.append(f"![The estimates with their intervals]({figure.name})")
        elif hasattr(output, "text"):
            parts.append(_shown_words(output))
        elif output is not None:
            parts.append(_table(output))
    return "\n\n".join(parts) + "\n"


def _words(code: str) -> str:
    said = WORDS.search(code)
    assert said is not None, code
    return "\n".join(line.strip() for line in said[1].strip().splitlines())


def _shown_words(output: Any) -> str:
    """What `mo.md` was given: the lines of study.yaml."""
    return str(output._markdown_text if hasattr(output, "_markdown_text") else output.text).strip()


def _table(frame: Any) -> str:
    rows = [[_cell(value) for value in row] for row in frame.rows()]
    lines = [list(frame.columns), ["---"] * frame.width, *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _cell(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.4g}"
    return "–" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


if __name__ == "__main__":
    PAGE.write_text(page(notebook(), PAGE.parent), encoding="utf-8")
