"""Breaks of the clients: calls to Mailtrap and to Kubernetes, and what their answers mean."""

from tests.breaks.breaking import Break

_CLIENTS = "operator/mailtrap_operator/clients"

CLIENTS = (
    Break(
        name="a call to Mailtrap has no timeout",
        file=f"{_CLIENTS}/mailtrap_calls.py",
        text="asyncio.timeout(self._timeout):",
        replacement="asyncio.timeout(None):",
        witnesses=("tests/unit/clients/test_mailtrap_errors.py",),
    ),
    Break(
        name="Mailtrap's words are shown without redaction",
        file=f"{_CLIENTS}/mailtrap_refusals.py",
        text="case str() as text:\n            return quoted(text, redaction)",
        replacement="case str() as text:\n            return quoted(text)",
        witnesses=("tests/unit/clients/test_mailtrap_messages.py",),
    ),
    Break(
        name="the API server's words may quote a value that was to be written",
        file=f"{_CLIENTS}/secret_client.py",
        text="if Redaction(*values).is_quoted_in(message):",
        replacement="if False:",
        witnesses=("tests/unit/clients/test_secret_refusals.py",),
    ),
    Break(
        name="Retry-After sends the operator to sleep for as long as a server likes",
        file=f"{_CLIENTS}/retry_after.py",
        text="min(max(seconds, 0.0), LONGEST_PAUSE.total_seconds())",
        replacement="max(seconds, 0.0)",
        witnesses=("tests/unit/clients/test_retry_after.py",),
    ),
    Break(
        name="a Secret is deleted although it changed since it was read",
        file=f"{_CLIENTS}/kube.py",
        text='preconditions = {"uid": uid, "resourceVersion": resource_version}',
        replacement='preconditions = {"uid": uid}',
        witnesses=("tests/unit/clients/test_secret_publishing.py", "tests/unit/clients/test_kube.py"),
    ),
    Break(
        name="a key that the template has lost keeps a former value in the Secret",
        file=f"{_CLIENTS}/secret_client.py",
        text='**_kept(body.get("data"), former.all_keys if former else ()), **data}',
        replacement='**(body.get("data") or {}), **data}',
        witnesses=("tests/unit/clients/test_secret_publishing.py",),
    ),
    Break(
        name="a slot of the rate limit is free again with the answer",
        file=f"{_CLIENTS}/pacer.py",
        text="finally:\n            loop.call_later(self._period, self._give_back)",
        replacement="finally:\n            self._give_back()",
        witnesses=("tests/unit/clients/test_pacer.py",),
    ),
    Break(
        name="after a 429 the next call follows at once",
        file=f"{_CLIENTS}/mailtrap_calls.py",
        text="if failure.reason is Reason.RATE_LIMITED:",
        replacement="if failure.reason is not Reason.RATE_LIMITED:",
        witnesses=("tests/unit/clients/test_mailtrap_calls.py",),
    ),
    Break(
        name="an answer without end is read to its end",
        file=f"{_CLIENTS}/mailtrap_http.py",
        text="if len(content) > bound:",
        replacement="if False:",
        witnesses=("tests/unit/clients/test_mailtrap_hostile.py",),
    ),
    Break(
        name="Kubernetes is written to without asking whether this replica leads",
        file=f"{_CLIENTS}/kube.py",
        text="                self._before_write()\n",
        replacement="                pass\n",
        witnesses=("tests/unit/clients/test_kube.py",),
    ),
    Break(
        name="Mailtrap is written to without asking whether this replica leads",
        file=f"{_CLIENTS}/mailtrap_calls.py",
        text="                    self._before_mutation()\n",
        replacement="                    pass\n",
        witnesses=("tests/unit/clients/test_mailtrap_calls.py",),
    ),
    Break(
        name="a conflict stalls the object until someone changes something",
        file=f"{_CLIENTS}/kube.py",
        text="case HTTPStatus.CONFLICT:\n            return Conflict(",
        replacement="case HTTPStatus.CONFLICT:\n            return Terminal(",
        witnesses=("tests/unit/clients/test_kube.py",),
    ),
    Break(
        name="a restart overwrites a workload that changed since it was read",
        file=f"{_CLIENTS}/workload_client.py",
        text='"metadata": {"resourceVersion": workload.resource_version},\n            "spec"',
        replacement='"spec"',
        witnesses=("tests/unit/clients/test_workload_client.py",),
    ),
    Break(
        name="a refused token of the API server's is used for another minute",
        file=f"{_CLIENTS}/kube.py",
        text="                self._access.refuse()\n",
        replacement="                pass\n",
        witnesses=("tests/unit/clients/test_kube.py",),
    ),
)
