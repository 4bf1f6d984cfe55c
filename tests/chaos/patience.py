"""A user's client that continues through the outages of the API server."""

import time
from typing import Any

import httpx

_LONGEST = 60.0
_PAUSE = 0.2


class PatientClient(httpx.Client):
    """Sends a request again until the API server answers it, for a minute at most; what is sent must be repeatable."""

    def send(self, request: httpx.Request, **options: Any) -> httpx.Response:
        """Send a request."""
        deadline = time.monotonic() + _LONGEST
        while True:
            try:
                response = super().send(request, **options)
                is_busy = response.is_server_error or response.status_code == httpx.codes.TOO_MANY_REQUESTS
                if not is_busy or time.monotonic() > deadline:
                    return response
            except httpx.TransportError:
                if time.monotonic() > deadline:
                    raise
            time.sleep(_PAUSE)
