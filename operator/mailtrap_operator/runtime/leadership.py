"""Whether this process works: what the process asks, however that is settled."""

import asyncio
from typing import Protocol


class Leadership(Protocol):
    """Whether this process works; `role` is that in words."""

    @property
    def role(self) -> str:
        """What this process does, in words."""
        ...

    def check(self) -> None:
        """Raise `Retryable` where this process must not write now."""
        ...

    async def acquire(self) -> None:
        """Return as soon as this process works."""
        ...

    async def hold(self) -> None:
        """Return when this process works no more."""
        ...

    async def release(self) -> None:
        """Let another process work at once; this one writes nothing any more."""
        ...


class Alone:
    """Leadership of a single replica: it always leads."""

    role = "the only replica"

    def check(self) -> None:
        """Raise nothing."""

    async def acquire(self) -> None:
        """Return at once."""

    async def hold(self) -> None:
        """Never return."""
        await asyncio.get_running_loop().create_future()

    async def release(self) -> None:
        """Leave everything as it is."""
