"""What the server answers when it refuses: the `Status` objects of the Kubernetes API.

Messages of conflicts, missing and forbidden things are worded as the real server words them, because the operator
quotes them. What is invalid is told in our own words; its causes name the same fields with the same reasons.
"""

from collections.abc import Sequence
from http import HTTPStatus
from typing import NamedTuple

from tests.simulation.kubernetes.frozen import Frozen, freeze
from tests.simulation.kubernetes.malformed import MalformedError
from tests.simulation.kubernetes.resource import Resource


class Cause(NamedTuple):
    """One thing that is wrong with an object."""

    field: str
    reason: str
    message: str


class RefusedError(Exception):
    """A request that changes nothing; `body` is the `Status`."""

    def __init__(self, status: int, reason: str, message: str, details: object = None) -> None:
        super().__init__(f"{status}: {message}")
        self.status = status
        body: dict[str, object] = {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Failure",
            "message": message,
        }
        body |= {"reason": reason} if reason else {}
        body |= {"details": details} if details is not None else {}
        self.body: Frozen = freeze({**body, "code": status})


def not_found(resource: Resource, name: str) -> RefusedError:
    """There is no such object."""
    message = f'{resource.qualified} "{name}" not found'
    return RefusedError(HTTPStatus.NOT_FOUND, "NotFound", message, _details(resource, name))


def no_namespace(name: str) -> RefusedError:
    """There is no such namespace."""
    details = {"name": name, "kind": "namespaces"}
    return RefusedError(HTTPStatus.NOT_FOUND, "NotFound", f'namespaces "{name}" not found', details)


def already_exists(resource: Resource, name: str, *, is_terminating: bool) -> RefusedError:
    """There is such an object already."""
    message = (
        f'{"object is being deleted: " if is_terminating else ""}{resource.qualified} "{name}" already exists'
    )
    return RefusedError(HTTPStatus.CONFLICT, "AlreadyExists", message, _details(resource, name))


def modified(resource: Resource, name: str) -> RefusedError:
    """The object is not the one any more that the request was decided on."""
    words = "the object has been modified; please apply your changes to the latest version and try again"
    return conflict(resource, name, words)


def other_uid(resource: Resource, namespace: str | None, name: str, wanted: str, found: str) -> RefusedError:
    """The object that is to be written is another one of the same name."""
    root = (
        f"/registry/{resource.group}/{resource.plural}" if resource.group else f"/registry/{resource.plural}"
    )
    key = "/".join(part for part in (root, namespace, name) if part)
    failed = f"Precondition failed: UID in precondition: {wanted}, UID in object meta: {found}"
    words = (
        f"StorageError: invalid object, Code: 4, Key: {key}, ResourceVersion: 0, AdditionalErrorMsg: {failed}"
    )
    return conflict(resource, name, words)


def conflict(resource: Resource, name: str, words: str) -> RefusedError:
    """A precondition of a write does not hold."""
    message = f'Operation cannot be fulfilled on {resource.qualified} "{name}": {words}'
    return RefusedError(HTTPStatus.CONFLICT, "Conflict", message, _details(resource, name))


def deletion_conflict(resource: Resource, name: str, words: str) -> RefusedError:
    """A precondition of a deletion does not hold; the real server names the kind here."""
    message = f'Operation cannot be fulfilled on {resource.qualified_kind} "{name}": {words}'
    details = _details(resource, name) | {"kind": resource.kind}
    return RefusedError(HTTPStatus.CONFLICT, "Conflict", message, details)


def forbidden(resource: Resource, name: str, words: str, causes: Sequence[object] = ()) -> RefusedError:
    """The object may be right, but not now and here."""
    details = _details(resource, name) | ({"causes": causes} if causes else {})
    return RefusedError(
        HTTPStatus.FORBIDDEN, "Forbidden", f'{resource.qualified} "{name}" is forbidden: {words}', details
    )


def denied(resource: Resource, name: str, words: str, reason: str) -> RefusedError:
    """An admission policy refuses the write."""
    status = HTTPStatus.FORBIDDEN if reason == "Forbidden" else HTTPStatus.UNPROCESSABLE_ENTITY
    details = _details(resource, name) | {"causes": [{"message": words}]}
    return RefusedError(status, reason, f'{resource.qualified} "{name}" is forbidden: {words}', details)


def invalid(resource: Resource, name: str, causes: Sequence[Cause], kind: str | None = None) -> RefusedError:
    """The object breaks rules of its kind; `kind` is what the object says it is."""
    details = _details(resource, name) | {"kind": kind or resource.kind}
    return _invalid(f"{details['kind']}{resource.suffix}", name, details, causes)


def no_version(resource: Resource, name: str) -> RefusedError:
    """The write names no resourceVersion although its kind demands one."""
    cause = Cause(
        "metadata.resourceVersion", "FieldValueInvalid", "Invalid value: 0: must be specified for an update"
    )
    return _invalid(resource.qualified, name, _details(resource, name), [cause])


def unusable_patch(error: MalformedError) -> RefusedError:
    """What a patch would make of the object is no object of its kind."""
    return _invalid("", "", {}, [Cause("patch", "FieldValueInvalid", f"Invalid value: {error}")])


def unsupported_dry_run(value: str, options: str) -> RefusedError:
    """There is but one way to try a request out."""
    words = f'Unsupported value: ["{value}"]: supported values: "All"'
    details: dict[str, object] = {"group": "meta.k8s.io", "kind": options}
    return _invalid(f"{options}.meta.k8s.io", "", details, [Cause("dryRun", "FieldValueNotSupported", words)])


def method_not_allowed(resource: Resource, method: str) -> RefusedError:
    """There is no such verb for a status."""
    verb = {"POST": "create", "DELETE": "delete"}.get(method, "")
    message = f'{verb} is not supported on resources of kind "{resource.qualified}"'
    return RefusedError(HTTPStatus.METHOD_NOT_ALLOWED, "MethodNotAllowed", message, _details(resource, ""))


def unsupported_media_type() -> RefusedError:
    """The patch is of a form that custom kinds do not know."""
    known = "application/json-patch+json, application/merge-patch+json, application/apply-patch+yaml"
    message = f"the body of the request was in an unknown format - accepted media types include: {known}"
    return RefusedError(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "UnsupportedMediaType", message)


def unknown_path(*, is_core: bool) -> RefusedError:
    """A path means nothing; outside the core group the real server says so in plain text."""
    message = "the server could not find the requested resource"
    refusal = RefusedError(HTTPStatus.NOT_FOUND, "NotFound", message, {})
    if not is_core:
        refusal.body = Frozen()
    return refusal


def bad_request(message: str) -> RefusedError:
    """The request makes no sense."""
    return RefusedError(HTTPStatus.BAD_REQUEST, "BadRequest", message)


def _details(resource: Resource, name: str) -> dict[str, object]:
    named: dict[str, object] = {"name": name} if name else {}
    return named | ({"group": resource.group} if resource.group else {}) | {"kind": resource.plural}


def _invalid(what: str, name: str, details: dict[str, object], causes: Sequence[Cause]) -> RefusedError:
    told = [f"{cause.field}: {cause.message}" for cause in causes]
    words = told[0] if len(told) == 1 else f"[{', '.join(told)}]"
    listed = [{"reason": cause.reason, "message": cause.message, "field": cause.field} for cause in causes]
    return RefusedError(
        HTTPStatus.UNPROCESSABLE_ENTITY,
        "Invalid",
        f'{what} "{name}" is invalid: {words}',
        details | {"causes": listed},
    )
