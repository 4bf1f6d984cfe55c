"""What the reader sees: headlines, commands to type, and what was seen. Colour repeats what the words say already."""

from collections.abc import Iterable, Mapping, Sequence
from typing import TextIO

WIDTH = 78
_WHAT = 44  # the column of what is looked at; behind it stands what was seen
_BOLD, _DIM, _GREEN, _RED = "1", "2", "32", "31"


def wants_colour(out: TextIO, environment: Mapping[str, str]) -> bool:
    """Whether colour helps: on a terminal whose user did not refuse it (https://no-color.org)."""
    return out.isatty() and not environment.get("NO_COLOR") and environment.get("TERM") != "dumb"


def broken_into_lines(words: Iterable[str]) -> list[str]:
    """Return a command as a shell reads it, broken between words where it would be too wide."""
    lines = ["$"]
    for word in words:
        if len(f"  {lines[-1]} {word} \\") > WIDTH:
            lines[-1] += " \\"
            lines.append(" ")
        lines[-1] += f" {word}"
    return lines


class Terminal:
    """Prints the story line by line, at once."""

    def __init__(self, out: TextIO, *, is_coloured: bool) -> None:
        self._out = out
        self._is_coloured = is_coloured

    def headline(self, text: str) -> None:
        """Begin a part of the story."""
        self._print("")
        self._print(self._styled(_BOLD, text))

    def say(self, text: str = "") -> None:
        """Print one line of the story."""
        self._print(f"  {text}".rstrip())

    def command(self, *words: str) -> None:
        """Print a command as a user types it; the words are quoted already where a shell needs it."""
        for line in broken_into_lines(words):
            self.say(self._styled(_DIM, line))

    def seen(self, what: str, seen: str) -> None:
        """Print what was looked at and found right."""
        self.say(f"{self._styled(_GREEN, 'ok')}  {what:<{_WHAT}}  {seen}")

    def table(self, title: str, rows: Sequence[Sequence[str]]) -> None:
        """Print rows in aligned columns under a title."""
        self.say(title)
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        for row in rows:
            self.say("    " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)))

    def failure(self, title: str, details: Mapping[str, str]) -> None:
        """Print what went wrong, with named details."""
        self._print("")
        self.say(f"{self._styled(_RED, 'FAILED')}  {title}")
        for name, text in details.items():
            self.say(f"        {name:<8}  {text}")

    def _styled(self, code: str, text: str) -> str:
        return f"\033[{code}m{text}\033[0m" if self._is_coloured else text

    def _print(self, line: str) -> None:
        self._out.write(f"{line}\n")
        self._out.flush()
