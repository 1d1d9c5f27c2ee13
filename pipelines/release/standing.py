"""What a person must look at after a night, in the words that the run in Dagster, the terminal and the alert share."""

from collections.abc import Mapping
from typing import Any

from pipelines.project.project import Project
from pipelines.release.damage import standing_damage
from pipelines.release.disclosed import HELD_BACK
from pipelines.release.kept import current_release, manifests
from pipelines.release.meta import deliveries
from pipelines.release.page.sections import PAGE

HEAD = "rejected, and left at the last accepted state:"

NOT_JUDGED = "not judged"

DAMAGE = "warehouse"
"""What a cause is about that is a damaged file of the warehouse."""

FAILED = {
    "delivery": "what was delivered does not meet its contract",
    "contract": "these files were accepted before: it is our contract or codebook that they do not meet any more",
    "harmonisation": "our select, or what generates the source, failed on it",
    "estimate": "an estimate, or a claim about it, failed",
}
"""Who must act (`cause` in meta.deliveries) -> what failed."""

TO_DO = {
    "delivery": "ask for a corrected file and put it into landing/{source}, or mend the contract where it is wrong",
    "contract": "see cramp-atlas contract diff; mend data_contracts, then cramp-atlas refresh",
    "harmonisation": "mend what the message names, then cramp-atlas refresh",
    "estimate": "mend the select, the claim or the data that the message names, then cramp-atlas refresh",
}


def standing_causes(project: Project, *, is_terminal: bool = False) -> dict[str, str]:
    """`<source> <wave>` -> what stands rejected of it, in words; empty after a good night. No release is named in there.

    Problems count records: those of restricted sources are named in a terminal only, not in Dagster and not in an alert.
    """
    rejected = deliveries(project).filter(verdict="rejected")
    causes = {f"{row['source']} {row['wave']}": _words(project, row, is_terminal) for row in rejected.iter_rows(named=True)}
    causes |= _postponed(project)
    causes |= {f"{DAMAGE} {number}": f"{DAMAGE}: {line}" for number, line in enumerate(standing_damage(project), 1)}
    return causes | {f"{PAGE} {number}": _of_page(line) for number, line in enumerate(_undrawn(project), 1)}


def _postponed(project: Project) -> dict[str, str]:
    """What could not be judged, which is no verdict on it."""
    return {
        f"{source.source} {wave} ({NOT_JUDGED})": "\n".join(
            [
                f"{source.source} {wave} ({source.title}): could not be judged, which says nothing against it",
                *(f"  {reason}" for reason in reasons),
                "  to do: nothing, if it was a bad night: the next one tries again; otherwise what the line says",
            ]
        )
        for source in project.sources.values()
        for wave in source.waves
        if (reasons := project.store.acceptance(source.source, wave).postponed)
    }


def _undrawn(project: Project) -> list[str]:
    """What could not be drawn of the newest release, a line each."""
    known = manifests(project)
    return list(known[-1].get("undrawn", [])) if known else []


def _of_page(line: str) -> str:
    to_do = "  to do: mend what the message names, then cramp-atlas refresh"
    return "\n".join([f"{PAGE}: {line}", to_do, "  meanwhile: all else of the release is published"])


def in_words(project: Project, causes: Mapping[str, str]) -> str:
    """All causes together, and what readers have meanwhile."""
    damage = [words for name, words in causes.items() if name.startswith(f"{DAMAGE} ")]
    others = [words for words in causes.values() if words not in damage]
    return "\n".join([*([HEAD] if others else []), *others, *damage, readers_have(project)])


def readers_have(project: Project) -> str:
    """What readers see, whatever the night did."""
    release = current_release(project)
    return f"readers have release {release}" if release else "readers have no release yet"


def _words(project: Project, row: Mapping[str, Any], is_terminal: bool) -> str:
    source = project.sources[row["source"]]
    name = f"{row['source']} {row['wave']}"
    causes = row["cause"].split(", ")
    to_do = [TO_DO[cause].format(source=row["source"]) for cause in causes]
    meanwhile = "readers see what was accepted before" if row["is_stale"] else "readers see nothing of it yet"
    problems = row["reason"].splitlines()
    if source.is_restricted and not is_terminal:
        problems = [f"{HELD_BACK}; cramp-atlas status says what it is"]
    lines = [
        f"{name} ({source.title}): {'; '.join(FAILED[cause] for cause in causes)}",
        *(f"  {row['cause']}: {problem}" for problem in problems),
        f"  whose: {', '.join(_contacts(project, row['source'], row['wave'], row['held_back']))}",
        f"  to do: {'; '.join(to_do)}",
        f"  {name} is stale: {meanwhile}" if row["is_stale"] else f"  meanwhile: {meanwhile}",
    ]
    return "\n".join(lines)


def _contacts(project: Project, name: str, wave: str, held_back: str) -> list[str]:
    """The owners of the tables that are held back, as their contracts name them, and the homepage of the source."""
    source = project.sources[name]
    raw = [f"raw.{table}" for table in source.tables if wave in source.waves_of(table)]
    tables = [table for held in held_back.split(", ") for table in ([held] if held in project.contracts else raw)]
    owners = [owner for table in tables for owner in project.contracts[table].owners]
    return list(dict.fromkeys([*owners, *([source.homepage] if source.homepage else [])])) or [f"the provider of {source.title}"]
