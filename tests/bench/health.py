"""How long /readyz and /metrics take while the operator works: a pause of its loop is a slow answer."""

import threading
import time
from types import TracebackType
from typing import Self

import httpx

_PAUSE = 0.05


class Prober:
    """Asks both pages again and again; `seconds` holds how long each answer took."""

    def __init__(self, port: int) -> None:
        self.seconds: list[float] = []
        self._url = f"http://127.0.0.1:{port}"
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._probe, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end.set()
        self._thread.join()

    def _probe(self) -> None:
        with httpx.Client(base_url=self._url, timeout=60) as http:
            while not self._end.wait(_PAUSE):
                for page in ("/readyz", "/metrics"):
                    begun = time.perf_counter()
                    http.get(page)
                    self.seconds.append(time.perf_counter() - begun)
