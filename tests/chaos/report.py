"""What a run came to: figures, and what must not have happened."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Report:
    """`violations` names each kind of wrong, and every single one of it in words."""

    figures: Mapping[str, Any]
    violations: Mapping[str, Sequence[str]]

    @property
    def is_clean(self) -> bool:
        """Whether nothing went wrong."""
        return not any(self.violations.values())

    def table(self) -> str:
        """Return the figures, then how many wrongs there were of each kind, in Markdown."""
        counts = {kind: f"**{len(found)}**" for kind, found in self.violations.items()}
        rows = [f"| {name} | {figure} |" for name, figure in {**self.figures, **counts}.items()]
        return "\n".join(["| | |", "|---|---|", *rows])

    def details(self) -> str:
        """Return every wrong in words."""
        return "\n".join(f"{kind}: {words}" for kind, found in self.violations.items() for words in found)
