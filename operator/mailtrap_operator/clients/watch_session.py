"""The connections of the watches: what is sent over them is bounded, whatever the objects hold.

Of Secrets the metadata alone is asked for. A watch begins with a list, whose pages are as large as others may be.
"""

import json
import math
import re
import ssl
from collections import defaultdict
from collections.abc import Mapping
from datetime import timedelta
from http import HTTPStatus
from typing import Any

import aiohttp

from mailtrap_operator.clients.errors import TooLarge
from mailtrap_operator.clients.pages import PageLength, read_page
from mailtrap_operator.clients.retry_after import retry_after

_SECRETS = re.compile("/api/v1/(namespaces/[^/]+/)?secrets$")


def watch_session(
    headers: Mapping[str, str], context: ssl.SSLContext, proxy: str | None
) -> aiohttp.ClientSession:
    """Return a session for lists and watches; who uses it closes it."""
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0, ssl=context),
        headers=headers,
        proxy=proxy,
        middlewares=(_metadata_of_secrets, _Pages()),
        response_class=_Response,
    )


class _Response(aiohttp.ClientResponse):
    """An answer whose body may have been read as a `page`; an empty list in it is a list.

    Of metadata the API server sends null for an empty list, which kopf does not expect. Nor does it expect a date, or a
    day, as the time for which it is asked to wait.
    """

    page: bytes | None = None

    @property
    def headers(self) -> Any:
        if self.status != HTTPStatus.TOO_MANY_REQUESTS:
            return self._headers
        pause = retry_after(self._headers) or timedelta()
        headers = self._headers.copy()
        headers["Retry-After"] = str(math.ceil(pause.total_seconds()))
        return headers

    async def json(self, **options: Any) -> Any:
        body = await super().json(**options) if self.page is None else json.loads(self.page)
        if isinstance(body, dict) and body.get("items", ()) is None:
            body["items"] = []
        return body


async def _metadata_of_secrets(
    request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
) -> aiohttp.ClientResponse:
    if _SECRETS.search(request.url.path):
        kind = "PartialObjectMetadata" if "watch" in request.url.query else "PartialObjectMetadataList"
        request.headers["Accept"] = f"application/json;as={kind};g=meta.k8s.io;v=v1"
    return await handler(request)


class _Pages:
    """Asks for fewer objects where a page is too large; anyone who lists goes by what the page says of the next one."""

    def __init__(self) -> None:
        self._lengths: defaultdict[str, PageLength] = defaultdict(PageLength)

    async def __call__(
        self, request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
    ) -> aiohttp.ClientResponse:
        if "limit" not in request.url.query:
            return await handler(request)
        length = self._lengths[request.url.path]
        while True:
            limit = str(length.objects)
            request.url = request.url.update_query(limit=limit)
            response = await handler(request)
            if not response.ok or not isinstance(response, _Response):
                return response
            try:
                response.page = await read_page(response, limit)
            except TooLarge:
                length.shorten()
                continue
            length.lengthen()
            return response
