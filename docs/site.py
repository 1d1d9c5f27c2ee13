"""What MkDocs does not do by itself. Pages of the root become pages of the site, links to what is no page become texts, and the
one script that the theme would fetch from another machine is our copy.

Pages are written for a reader of the repository. A link that leads nowhere stays as it is, so that the strict build refuses it.
"""

import re
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from posixpath import normpath, relpath
from typing import Any

from mkdocs.structure.files import File, Files

ROOT = Path(__file__).resolve().parents[1]

OF_THE_ROOT = {"README.md": "index.md"} | {name: name for name in ("GLOSSARY.md", "SECURITY.md", "CHANGELOG.md")}
"""Page of the root -> page of the site."""

LINK = re.compile(r"(?P<sign>!?)\[(?P<text>[^\[\]]*)\]\((?P<target>[^)\s#]+)(?P<anchor>#[^)\s]*)?\)")
DIAGRAM = re.compile(r"^```mermaid\n.*?^\s*accTitle: (?P<title>[^\n]+)\n.*?^```$", re.MULTILINE | re.DOTALL)
FENCE = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)


SHIM = re.compile(r"https://unpkg\.com/iframe-worker/shim")
OUR_SHIM = "assets/iframe-worker.js"

MORE = "More pages"
"""The section of pages that mkdocs.yml has no place for: none is out of reach."""


def on_config(config: Any) -> Any:
    """Give every page a place."""
    named = {entry if isinstance(entry, str) else next(iter(entry.values())) for entry in _entries(config["nav"])}
    folder = Path(config["docs_dir"])
    pages = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.md"))
    if more := [page for page in pages if page not in named]:
        config["nav"].append({MORE: more})
    return config


def _entries(nav: list[Any]) -> Iterator[Any]:
    for entry in nav:
        below = next(iter(entry.values())) if isinstance(entry, dict) else None
        if isinstance(below, list):
            yield from _entries(below)
        else:
            yield entry


def on_files(files: Files, config: Any) -> Files:
    """Add the pages of the root."""
    for name, page in OF_THE_ROOT.items():
        files.append(File.generated(config, page, content=(ROOT / name).read_text(encoding="utf-8")))
    return files


def on_page_markdown(markdown: str, page: Any, config: Any, files: Files) -> str:
    """The text of a page with the links that the site has."""
    here = page.file.src_uri
    named = {page: name for name, page in OF_THE_ROOT.items()}
    lies_in = PurePosixPath(named.get(here) or f"docs/{here}").parent
    pieces, end = [], 0
    for fence in FENCE.finditer(markdown):
        pieces += [LINK.sub(lambda link: _led(link, lies_in, here, files), markdown[end : fence.start()]), _drawn(fence[0], here)]
        end = fence.end()
    return "".join([*pieces, LINK.sub(lambda link: _led(link, lies_in, here, files), markdown[end:])])


def _drawn(fence: str, here: str) -> str:
    """A diagram as the picture that `make pictures` drew of it; every other block as it is."""
    diagram = DIAGRAM.fullmatch(fence)
    if diagram is None:
        return fence
    picture = "pictures/" + re.sub(r"\W+", "-", diagram["title"].strip().lower()) + ".svg"
    return f"![{diagram['title'].strip()}]({relpath(picture, str(PurePosixPath(here).parent))})"


def _led(link: re.Match[str], lies_in: PurePosixPath, here: str, files: Files) -> str:
    """One link of a page that lies in a folder of the repository, as the site has it."""
    target = link["target"]
    if re.match(r"[a-z]+:", target):
        return link[0]
    path = normpath(str(lies_in / target))
    page = OF_THE_ROOT.get(path) or path.removeprefix("docs/")
    if (path in OF_THE_ROOT or path.startswith("docs/")) and files.get_file_from_path(page):
        return f"{link['sign']}[{link['text']}]({relpath(page, str(PurePosixPath(here).parent))}{link['anchor'] or ''})"
    return link["text"] if (ROOT / path).exists() else link[0]


def on_post_page(output: str, page: Any, config: Any) -> str:
    """The finished page without an address of another machine."""
    return SHIM.sub(relpath(OUR_SHIM, str(PurePosixPath(page.file.dest_uri).parent)), output)


def on_post_template(output_content: str, template_name: str, config: Any) -> str:
    """The same for pages that no text stands behind, such as 404.html."""
    return SHIM.sub(OUR_SHIM, output_content)
