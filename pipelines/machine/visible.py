"""Texts of others, shown and not obeyed: terminals and Markdown have letters that command."""

import re
from collections.abc import Mapping

COMMANDS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]")
"""Control characters but tab and line end (C0, C1), marks that turn the direction of writing, and what is no character."""

LINE_END = "\n"

MARKDOWN = re.compile(r"([\\*\[\]|~])")
ENTITIES: Mapping[str, str] = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}


def visible(text: str) -> str:
    """The text with every character that commands spelled out, such as `\\x1b` for escape."""
    return COMMANDS.sub(lambda found: spelled(found[0]), text)


def spelled(letter: str) -> str:
    """A character by its number, such as `\\x1b` for escape."""
    return f"\\x{ord(letter):02x}" if ord(letter) < 256 else f"\\u{ord(letter):04x}"


def one_line(text: str) -> str:
    """The text on one line, with line ends and tabs spelled out as well: what stands in a comment does not leave it."""
    return visible(text).replace("\n", spelled("\n")).replace("\t", spelled("\t"))


def command_in(text: str) -> str | None:
    """The first character of a text that commands, and what to do; None where there is none."""
    found = COMMANDS.search(text)
    return f"holds the character {visible(found[0])}, which is not seen: remove it" if found else None


def commanding(text: str) -> str | None:
    """The line of a file of the project that holds a character which commands, and what to do; None where there is none."""
    found = COMMANDS.search(text)
    if found is None:
        return None
    line = text.count(LINE_END, 0, found.start()) + 1
    return f"line {line}: {command_in(found[0])}"


def markdown(text: str) -> str:
    """A text inside a paragraph, heading or cell of Markdown that makes no link, picture, table or HTML there.

    Backticks stay: what they enclose is shown as it is.
    """
    escaped = MARKDOWN.sub(r"\\\1", re.sub(r"[ \t\n]+", " ", visible(text)))
    return "".join(ENTITIES.get(letter, letter) for letter in escaped)


def fenced(text: str, language: str) -> str:
    """Code of Markdown, within a fence that is longer than any in the code."""
    fence = "`" * max(3, 1 + max((len(run) for run in re.findall("`+", text)), default=0))
    return f"{fence}{language}\n{visible(text)}\n{fence}"
