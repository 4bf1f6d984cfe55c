"""How much of a list is read at once: bounded in bytes, as objects may be as large as the API server admits, and anyone's."""

import aiohttp

from mailtrap_operator.clients.errors import TooLarge
from mailtrap_operator.core.reasons import Reason

LONGEST_PAGE = 200
"""Objects; of as many as large as can be the API server has 300 MiB to send, and stops when no one reads on."""

_LARGEST_PAGE = 4 * 1024 * 1024
"""Bytes. Read and parsed, a page takes several times as much memory; most objects have a few thousand bytes."""


class PageLength:
    """For how many objects to ask: for fewer after a page that was too large, and then for more again."""

    def __init__(self) -> None:
        self.objects = LONGEST_PAGE

    def shorten(self) -> None:
        """Record that the page was too large."""
        self.objects = max(1, self.objects // 4)

    def lengthen(self) -> None:
        """Record that the page was read."""
        self.objects = min(LONGEST_PAGE, 2 * self.objects)


async def read_page(response: aiohttp.ClientResponse, limit: str | None) -> bytes:
    """Return the body of a page of so many objects.

    A large one is not read to its end, as it would be held in memory, and raises `TooLarge`; one object may be of any size.
    """
    data = bytearray()
    async for piece in response.content.iter_any():
        data += piece
        if len(data) > _LARGEST_PAGE and limit != "1":
            response.close()
            message = "A page of a list is too large; a shorter one is asked for."
            raise TooLarge(Reason.KUBERNETES_UNAVAILABLE, message)
    return bytes(data)
