"""Which resources the permissions of a spec are for: each is given by its id, or by a name that stands for one.

A name is looked up once, and its id is kept in the status: who renames a resource in Mailtrap changes no token.
Nothing is guessed: a name that no resource has, or several, stands for none. What the account's policy does not list
is not there: no one learns from a name, or from the answer, what else the account has.

An id is looked up before the first token is issued for it. It is refused only where the account shows all that it has,
and not this one: where that cannot be told, the id is taken as it is.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from mailtrap_operator.api.v1alpha1 import AccountPolicy, ApiToken, BoundResource, Resource
from mailtrap_operator.core.blocked import Blocked
from mailtrap_operator.core.digests import access_digest
from mailtrap_operator.core.observation import Catalogue, CatalogueEntry, Found, Unknown
from mailtrap_operator.core.reasons import Reason
from mailtrap_operator.core.redaction import without_tokens
from mailtrap_operator.core.resource_types import canonical_type, is_allowed
from mailtrap_operator.core.text import join_limited

_MOST_TOLD = 10
_LONGEST_TOLD = 80

_NOT_LOOKED_UP = Unknown(
    Reason.ACCOUNT_NOT_LISTED, "The names in spec.resources were not looked up yet; they will be."
)

_LASTING = frozenset({Reason.ACCESS_FORBIDDEN, Reason.NOT_FOUND, Reason.REMOTE_ANSWER_UNUSABLE})
"""Why an account does not tell its resources, and would not if it were asked again."""

_Key = tuple[str, str]
"""Today's type, and the name."""


@dataclass(frozen=True, slots=True)
class Resolution:
    """What the resources of a spec come to.

    `resources` are those whose ids are known, `bound` the names among them, `trouble` says why others are not known, or are
    not there.
    """

    resources: tuple[Resource, ...]
    bound: tuple[BoundResource, ...] = ()
    trouble: Blocked | Unknown | None = None


def unbound(api_token: ApiToken, account_id: int | None) -> tuple[Resource, ...]:
    """Return the resources of a spec whose names stand for no id yet, in the account that the spec names."""
    known = _known(api_token, account_id)
    return tuple(r for r in api_token.spec.resources if r.name is not None and _key(r) not in known)


def unchecked(
    api_token: ApiToken, account_id: int | None, issued_for: Collection[str]
) -> tuple[Resource, ...]:
    """Return the resources of a spec that are given by their ids, if no token was issued for this spec yet.

    The account itself needs no look. `issued_for` are the digests of the access that tokens were issued for.
    """
    known = _known(api_token, account_id)
    resources = [_with_id(r, known) for r in api_token.spec.resources]
    if account_id is None or access_digest(api_token, account_id, resources) in issued_for:
        return ()
    by_id = (r for r in api_token.spec.resources if r.id is not None)
    return tuple(r for r in by_id if (canonical_type(r.type), str(r.id)) != ("account", str(account_id)))


def will_do(
    answer: Found[Catalogue] | Unknown | None, account_id: int | None, ids: Iterable[Resource]
) -> bool:
    """Whether an earlier answer is good enough for resources that are given by their ids."""
    if isinstance(answer, Unknown):
        return answer.reason in _LASTING
    is_this = answer is not None and answer.value.account_id == account_id
    return answer is not None and is_this and not any(_lacks(answer.value, each) for each in ids)


def resolve(
    api_token: ApiToken,
    account_id: int | None,
    catalogue: Found[Catalogue] | Unknown | None,
    policy: AccountPolicy,
    issued_for: Collection[str] = (),
) -> Resolution:
    """Find the id of each resource.

    Args:
        api_token: The spec, and what its names stand for since they were looked up.
        account_id: The id of the account that the spec names; None: it is not known.
        catalogue: The resources of that account; None: no one has asked.
        policy: Which of these may be reported.
        issued_for: Digests of the access that tokens were issued for already.
    """
    spec, status = api_token.spec, api_token.status
    if api_token.unreadable:
        return Resolution(spec.resources, status.resources)
    known, missing = _known(api_token, account_id), unbound(api_token, account_id)
    answer = _answer(catalogue, account_id)
    found = [_look_up(each, answer, policy) for each in missing] if isinstance(answer, Catalogue) else []
    known |= {_key(each): each for each in found if isinstance(each, BoundResource)}
    wrong = [each for each in found if isinstance(each, Blocked)]
    if isinstance(answer, Catalogue):
        by_id = unchecked(api_token, account_id, issued_for)
        wrong += [_not_there(each, answer, policy) for each in by_id if _lacks(answer, each)]
    trouble: Blocked | Unknown | None = _all_of(wrong)
    if missing and isinstance(answer, Unknown):
        trouble = answer
    named = {r: known[_key(r)] for r in spec.resources if r.name is not None and _key(r) in known}
    resources = tuple(_with_id(r, known) for r in spec.resources if r in named or r.name is None)
    # The type as it is in the spec now: an edit may have put today's name in place of the earlier one.
    bound = tuple(each.model_copy(update={"type": r.type}) for r, each in named.items())
    return Resolution(resources, bound, trouble or _listed_twice(resources, bound))


def _known(api_token: ApiToken, account_id: int | None) -> dict[_Key, BoundResource]:
    """Return what names stand for already; an id of another account means nothing in this one."""
    bound = api_token.status.resources
    return {_key(each): each for each in bound if account_id in {None, each.account_id}}


def _with_id(resource: Resource, known: Mapping[_Key, BoundResource]) -> Resource:
    if resource.name is None or _key(resource) not in known:
        return resource
    return resource.model_copy(update={"id": known[_key(resource)].id, "name": None})


def _key(resource: Resource | BoundResource) -> _Key:
    return canonical_type(resource.type), resource.name or ""


def _answer(catalogue: Found[Catalogue] | Unknown | None, account_id: int | None) -> Catalogue | Unknown:
    if isinstance(catalogue, Unknown):
        message = f"The names in spec.resources cannot be looked up: {catalogue.message}"
        return replace(catalogue, message=message)
    # The account object may have been created again, for another account, while its resources were asked for.
    if catalogue is None or catalogue.value.account_id != account_id:
        return _NOT_LOOKED_UP
    return catalogue.value


def _look_up(resource: Resource, catalogue: Catalogue, policy: AccountPolicy) -> BoundResource | Blocked:
    type_, name = _key(resource)
    shown = [entry for entry in _shown(catalogue, policy) if entry.name]
    of_type = {entry for entry in shown if canonical_type(entry.type) == type_}
    matches = [entry for entry in of_type if entry.name == name]
    if len(matches) == 1:
        return BoundResource(type=resource.type, name=name, id=matches[0].id, account_id=catalogue.account_id)
    if matches:
        ids = _some(sorted(_cut(str(entry.id)) for entry in matches))
        message = f"{len(matches)} resources of type {type_} are named {name!r}: {ids}. Give the id of the one that is meant."
        return Blocked(Reason.RESOURCE_AMBIGUOUS, message)
    message = f"No resource of type {type_} is named {name!r}. Correct the name, or give the id instead."
    return Blocked(Reason.RESOURCE_UNKNOWN, f"{message} {_candidates(type_, of_type, shown, policy)}")


def _lacks(catalogue: Catalogue, resource: Resource) -> bool:
    place = canonical_type(resource.type), str(resource.id)
    return catalogue.is_whole and place not in {
        (canonical_type(e.type), str(e.id)) for e in catalogue.entries
    }


def _not_there(resource: Resource, catalogue: Catalogue, policy: AccountPolicy) -> Blocked:
    type_, shown = canonical_type(resource.type), _shown(catalogue, policy)
    of_type = {entry for entry in shown if canonical_type(entry.type) == type_}
    message = f"No resource of type {type_} has the id {_cut(str(resource.id))}. Correct the type or the id."
    return Blocked(Reason.RESOURCE_UNKNOWN, f"{message} {_candidates(type_, of_type, shown, policy)}")


def _shown(catalogue: Catalogue, policy: AccountPolicy) -> list[CatalogueEntry]:
    return [entry for entry in catalogue.entries if is_allowed(policy, entry.type, entry.id)]


def _candidates(
    type_: str, of_type: Iterable[CatalogueEntry], shown: Iterable[CatalogueEntry], policy: AccountPolicy
) -> str:
    if told := sorted(_in_words(entry) for entry in of_type):
        return f"There are {_some(told)}."
    if types := sorted({canonical_type(entry.type) for entry in shown}):
        return f"The account's credential sees no resource of type {type_}. It sees resources of type {_some(types)}."
    if policy.allowed_resources:
        return "The account's credential sees no resource that its policy lists in allowedResources."
    return "The account's credential sees no resource at all."


def _in_words(entry: CatalogueEntry) -> str:
    id_ = _cut(str(entry.id))
    return f"{_cut(entry.name)!r} ({id_})" if entry.name else id_


def _some(words: Sequence[str]) -> str:
    return join_limited(words, _MOST_TOLD)


def _cut(text: str) -> str:
    told = without_tokens(text)
    return told if len(told) <= _LONGEST_TOLD else f"{told[: _LONGEST_TOLD - 1]}…"


def _all_of(troubles: Sequence[Blocked]) -> Blocked | None:
    if not troubles:
        return None
    return Blocked(troubles[0].reason, " ".join(trouble.message for trouble in troubles))


def _listed_twice(resources: Iterable[Resource], bound: Iterable[BoundResource]) -> Blocked | None:
    """The CRD cannot tell that a name and an id, or two names, stand for one resource."""
    counted = Counter((canonical_type(r.type), str(r.id)) for r in resources)
    for each in bound:
        if counted[canonical_type(each.type), str(each.id)] > 1:
            message = (
                f"spec.resources lists {each.type} {each.id} twice, once by the name {each.name!r}. "
                "Remove one of the entries."
            )
            return Blocked(Reason.SPEC_INVALID, message)
    return None
