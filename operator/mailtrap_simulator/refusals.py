"""The error answers of the API, word for word. Their shapes differ, and clients must cope."""

from .messages import Response, answer

NO_PERMISSIONS = "No permissions selected. Please choose at least one."


class Refused(Exception):  # noqa: N818 - an answer, not a failure of the simulator
    """Ends a call with an error answer."""

    def __init__(self, response: Response) -> None:
        super().__init__(response.status)
        self.response = response


def bad_request() -> Response:
    """The body is not a JSON object."""
    return answer(400, {"error": "Bad Request"})


def incorrect_token() -> Response:
    """The credential is missing, unknown, expired, or given twice."""
    return answer(401, {"error": "Incorrect API token"})


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
    return answer(429, {"errors": "Too many requests"})


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
