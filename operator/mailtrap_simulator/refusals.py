"""The error answers of the API, word for word. Their shapes differ, and clients must cope."""

import json
from dataclasses import replace
from typing import Any

from .messages import JSON_TYPE, Response, answer
from .settings import Errors

NO_PERMISSIONS = "No permissions selected. Please choose at least one."


class Refused(Exception):  # noqa: N818 - an answer, not a failure of the simulator
    """Ends a call with an error answer."""

    def __init__(self, response: Response) -> None:
        super().__init__(response.status)
        self.response = response


def bad_request() -> Response:
    """A parameter is missing, or the body is not a JSON object."""
    return Response(400)


def incorrect_token() -> Response:
    """The credential is missing, unknown, expired, or given twice."""
    refused = answer(401, {"error": "Incorrect API token"})
    return replace(refused, headers={**refused.headers, "Www-Authenticate": 'Token realm="Application"'})


def access_forbidden() -> Response:
    """The credential may not do this."""
    return answer(403, {"errors": "Access forbidden"})


def account_forbidden() -> Response:
    """The credential cannot see this account."""
    return answer(403, {"errors": "Account access forbidden"})


def not_found() -> Response:
    """No such token."""
    return answer(404, {"error": "Not Found"})


def unknown_route() -> Response:
    """No such path: a page, made before the API is asked."""
    return Response(404, b"<html><body><h1>Not Found</h1></body></html>", "text/html; charset=utf-8")


def unprocessable(errors: dict[str, list[str]]) -> Response:
    """The request was understood and refused: messages per attribute, or under `base`."""
    return answer(422, {"errors": errors})


def too_many_requests() -> Response:
    """The credential is over its limit."""
    return answer(429, {"errors": "Rate limit exceeded"})


def usual(status: int) -> Response:
    """The API's usual answer with this error status, for faults that name only the status."""
    known = {
        400: bad_request,
        401: incorrect_token,
        403: access_forbidden,
        404: not_found,
        429: too_many_requests,
    }
    if status == 422:  # noqa: PLR2004 - the status itself
        return unprocessable({"base": ["Injected by the simulator."]})
    return known[status]() if status in known else answer(status, {"error": "Internal Server Error"})


def in_form(response: Response, form: Errors) -> Response:
    """The same answer; an error of the API with its messages in another form of body."""
    is_error = response.status >= 400 and response.content_type == JSON_TYPE and response.body  # noqa: PLR2004
    if form == "usual" or not is_error:
        return response
    told = next(iter(json.loads(response.body).values()))
    return replace(response, body=json.dumps(_reshaped(told, form)).encode())


def _reshaped(told: str | dict[str, list[str]], form: Errors) -> dict[str, Any]:
    if form == "null-beside":
        return {"error": None, "errors": told}
    if form == "object":
        return {"errors": {"base": [told]} if isinstance(told, str) else told}
    sentences = [told] if isinstance(told, str) else _sentences(told)
    return {"errors": sentences if form == "list" else ". ".join(sentences)}


def _sentences(errors: dict[str, list[str]]) -> list[str]:
    """Each message as a sentence; what is said of an attribute begins with its name."""
    return [
        message if attribute == "base" else f"{attribute.replace('_', ' ').capitalize()} {message}"
        for attribute, messages in errors.items()
        for message in messages
    ]
