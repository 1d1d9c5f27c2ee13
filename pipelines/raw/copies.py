"""Whether a wave was delivered with the files or the records of another wave: then one of the two is not what its name says."""

from collections.abc import Mapping
from dataclasses import replace

from pipelines.landing.finding import find_file, is_sha256, landed_digest
from pipelines.project.project import Project
from pipelines.project.sources import SHARED_WAVE
from pipelines.raw.identifiers import identifiers
from pipelines.raw.plan import plan_raw
from pipelines.store import Place

TWICE = (
    "the same people would count twice; deliver the file of each wave, or correct its name under waves in the source's file; a "
    f"table that all waves share belongs under wave {SHARED_WAVE}"
)


def copies(project: Project, source: str, wave: str, digests: Mapping[Place, str]) -> list[tuple[Place, str]]:
    """What to say of files that are, byte for byte, files of another wave of the source, beside the first of their tables.

    Only tables about respondents count: a list of drugs may be the same in every wave. Of two such waves the one whose file was
    accepted for it already, when the other's was not, stays; otherwise nobody can know which is wrong, and both are refused.
    """
    about_respondents = identifiers(project, source)
    ours = {place: digest for place, digest in digests.items() if place.table in about_respondents and is_sha256(digest)}
    found: dict[str, list[Place]] = {}
    for other in [] if wave == SHARED_WAVE else project.sources[source].study_waves:
        theirs = _delivered(project, source, other, ours) if other != wave else {}
        for place, digest in ours.items():
            twins = [twin for twin, known in theirs.items() if known == digest]
            if twins and not _stays(project, place, digest, twins):
                found.setdefault(other, []).append(place)
    return [(places[0], _in_words(wave, other, places, len(places) == len(ours))) for other, places in found.items()]


def same_records(project: Project, source: str, wave: str, contents: Mapping[Place, str | None]) -> list[tuple[Place, str]]:
    """What to say of tables about respondents that hold exactly the records which are accepted of another wave.

    So do files that were packed or written anew. A table that was accepted for its wave with these records stays. Where another
    file lies now for the other wave, its records are about to be replaced: two waves whose files were mixed up can be put right.
    """
    about_respondents = identifiers(project, source)
    found = []
    for place, content in contents.items():
        if content is None or place.table not in about_respondents or wave == SHARED_WAVE or _holds(project, place, content):
            continue
        twins = [twin for twin in _of_other_waves(project, place) if _holds(project, twin, content)]
        lasting = [twin for twin in twins if not _is_replaced(project, twin)]
        if lasting:
            found.append((place, f"{place.name} {wave} holds exactly the records of {lasting[0].wave}: {TWICE}"))
    return found


def kept_twice(project: Project, source: str, wave: str) -> list[tuple[Place, str]]:
    """What to say of a wave whose delivery is refused while what stays accepted of it is accepted of another wave, too."""
    found = []
    for table in [] if wave == SHARED_WAVE else project.sources[source].waves[wave].tables:
        place = Place("raw", table, source, wave)
        kept = project.store.accepted(place) if table in identifiers(project, source) else None
        if kept is None or kept.content is None or not _holds(project, place, kept.content):
            continue
        twins = [twin for twin in _of_other_waves(project, place) if _holds(project, twin, kept.content)]
        if twins:
            text = f"{place.name} {wave}: what stays accepted holds exactly the records of {twins[0].wave} until this is mended"
            found.append((place, f"{text}: the same people count twice"))
    return found


def _of_other_waves(project: Project, place: Place) -> list[Place]:
    return [replace(place, wave=wave) for wave in project.sources[place.source].study_waves if wave != place.wave]


def _is_replaced(project: Project, place: Place) -> bool:
    """Whether another file lies now for a place than the accepted one, and is not known to be refused by itself.

    Where none does, or it is refused, the accepted one stays.
    """
    if place.table not in project.sources[place.source].waves[place.wave].tables:
        return False
    path = find_file(project, place)
    accepted = project.store.accepted(place)
    digest = landed_digest(project, path) if path else None
    if digest is None or accepted is None or accepted.ingredients.get("delivery") == digest:
        return False
    known = project.store.sidecar(place, plan_raw(project, place, digest).recipe)
    return known is None or known.verdict == "accepted"


def _holds(project: Project, place: Place, content: str) -> bool:
    accepted = project.store.accepted(place)
    return accepted is not None and accepted.verdict == "accepted" and accepted.content == content and accepted.rows > 0


def _delivered(project: Project, source: str, wave: str, ours: Mapping[Place, str]) -> dict[Place, str]:
    """The digests of another wave's files, of those that have the size of one of ours."""
    sizes = {path.stat().st_size for place in ours if (path := find_file(project, place)) and path.is_file()}
    found = {}
    for table in project.sources[source].waves[wave].tables:
        place = Place("raw", table, source, wave)
        path = find_file(project, place)
        if path and path.is_file() and path.stat().st_size in sizes:
            found[place] = landed_digest(project, path)
    return found


def _stays(project: Project, place: Place, digest: str, twins: list[Place]) -> bool:
    return _was_accepted(project, place, digest) and not any(_was_accepted(project, twin, digest) for twin in twins)


def _was_accepted(project: Project, place: Place, digest: str) -> bool:
    accepted = project.store.accepted(place)
    return accepted is not None and accepted.verdict == "accepted" and accepted.ingredients.get("delivery") == digest


def _in_words(wave: str, other: str, places: list[Place], is_whole: bool) -> str:
    tables = ", ".join(place.name for place in places)
    return f"{wave if is_whole else f'{tables} {wave}'} is byte for byte the delivery of {other}: {TWICE}"
