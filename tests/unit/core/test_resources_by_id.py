"""Resources by id: an id that the account positively lacks gets no first token; where that cannot be told, it does."""

from typing import Any

import pytest

from mailtrap_operator.api.v1alpha1 import AccountPolicy, ApiToken, Resource, Rotation
from mailtrap_operator.core import resources as subject
from mailtrap_operator.core.actions import IssueToken, State
from mailtrap_operator.core.blocked import Blocked
from mailtrap_operator.core.digests import access_digest
from mailtrap_operator.core.observation import Catalogue, CatalogueEntry, Found, Observation, Unknown
from mailtrap_operator.core.planning import plan
from mailtrap_operator.core.reasons import Reason
from mailtrap_operator.core.references import issued_access
from mailtrap_operator.core.resources import Resolution, unchecked, will_do
from tests.unit.core.builders import (
    DAY,
    DOMAIN,
    HOUR,
    MINUTE,
    NOW,
    TIMEOUT,
    WIPED,
    a_current,
    a_remote_token,
    a_secret,
    a_status,
    an_api_token,
    seen,
)
from tests.unit.core.named import ACCOUNT_ID, BOUND, NAMED, asked, named
from tests.unit.core.rows import Decision, Leaving, Noted, decision, row
from tests.unit.core.test_first_token import FIRST, UNLISTED

Answer = Found[Catalogue] | Unknown | None

ACCOUNT = ("account", "Acme", ACCOUNT_ID)
FORBIDDEN = Unknown(Reason.ACCESS_FORBIDDEN, "Mailtrap answered 403.")


def whole(*entries: tuple[str, str, int | str]) -> Found[Catalogue]:
    """Return all that the account has, itself among it."""
    return Found(Catalogue(ACCOUNT_ID, tuple(CatalogueEntry(*e) for e in (ACCOUNT, *entries)), is_whole=True))


def part(*entries: tuple[str, str, int | str]) -> Found[Catalogue]:
    """Return what a credential sees that does not administer the account."""
    return Found(Catalogue(ACCOUNT_ID, tuple(CatalogueEntry(*entry) for entry in entries)))


def of(type_: str, id_: int | str) -> ApiToken:
    """Return an object with one resource that is given by its id."""
    return an_api_token(resources=(Resource(type=type_, id=id_, access_level="Admin"),))


def resolve(api_token: ApiToken, answer: Answer, *issued_for: str, **rules: Any) -> Resolution:
    policy = AccountPolicy.model_validate(rules, by_name=True)
    return subject.resolve(api_token, ACCOUNT_ID, answer, policy, issued_for)


@pytest.mark.parametrize(
    ("desired", "entry"),
    [
        pytest.param(of("domain", 7), ("domain", "shop.example", 7), id="an id"),
        pytest.param(of("domain", "7"), ("domain", "shop.example", 7), id="an id as text"),
        pytest.param(of("domain", 7), ("domain", "", "7"), id="a resource without a name"),
        pytest.param(of("inbox", 5), ("sandbox", "main", 5), id="the earlier name of its type"),
        pytest.param(of("domain", 7), ("sending_domain", "shop.example", 7), id="today's name of its type"),
        pytest.param(of("campaign_scope", "a-b"), ("campaign_scope", "x", "a-b"), id="a type of its own"),
        pytest.param(of("account", ACCOUNT_ID), ("domain", "shop.example", 7), id="the account itself"),
    ],
)
def test_an_id_that_the_account_shows_is_taken(desired: ApiToken, entry: tuple[str, str, int | str]) -> None:
    resolution = resolve(desired, whole(entry))

    assert (desired.spec.resources, None) == (resolution.resources, resolution.trouble)


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(None, id="nobody asked"),
        pytest.param(TIMEOUT, id="no answer"),
        pytest.param(FORBIDDEN, id="no right to ask"),
        pytest.param(part(("domain", "shop.example", 8)), id="a part of the account"),
        pytest.param(Found(Catalogue(99, (), is_whole=True)), id="another account"),
    ],
)
def test_an_id_is_taken_as_it_is_where_it_cannot_be_told(answer: Answer) -> None:
    resolution = resolve(of("domain", 7), answer)

    assert (("domain", 7), None) == (
        (resolution.resources[0].type, resolution.resources[0].id),
        resolution.trouble,
    )


VALUE = "0f1e2d3c4b5a69788796a5b4c3d2e1f0"
WRONG = "No resource of type domain has the id 999. Correct the type or the id."
SOME = (("domain", "b.example", 9), ("domain", "a.example", 8), ("inbox", "main", 5))


@pytest.mark.parametrize(
    ("desired", "entries", "words"),
    [
        pytest.param(
            of("domain", 999), SOME, f"{WRONG} There are 'a.example' (8), 'b.example' (9).", id="other ids"
        ),
        pytest.param(
            of("domain", 999), [("domain", "", 8)], f"{WRONG} There are 8.", id="one without a name"
        ),
        pytest.param(
            of("domain", 999),
            [("inbox", "main", 999)],
            f"{WRONG} The account's credential sees no resource of type domain. It sees resources of type account, sandbox.",
            id="the id of another type",
        ),
        pytest.param(
            of("domains", 8),
            SOME,
            "No resource of type domains has the id 8. Correct the type or the id. "
            "The account's credential sees no resource of type domains. It sees resources of type account, domain, sandbox.",
            id="a type that there is not",
        ),
        pytest.param(
            of("account", 999),
            SOME,
            "No resource of type account has the id 999. Correct the type or the id. "
            f"There are 'Acme' ({ACCOUNT_ID}).",
            id="another account",
        ),
        pytest.param(
            of("domain", VALUE),
            SOME,
            "No resource of type domain has the id [left out]. Correct the type or the id. "
            "There are 'a.example' (8), 'b.example' (9).",
            id="what looks like the value of a token",
        ),
    ],
)
def test_an_id_that_the_account_lacks_is_told_with_the_candidates(
    desired: ApiToken, entries: list[tuple[str, str, int | str]], words: str
) -> None:
    assert Blocked(Reason.RESOURCE_UNKNOWN, words) == resolve(desired, whole(*entries)).trouble


def test_no_candidate_is_told_that_the_policy_does_not_list() -> None:
    allowed = [{"type": "domain", "id": 9}, {"type": "domain", "id": 999}]
    trouble = resolve(of("domain", 999), whole(*SOME), allowed_resources=allowed).trouble

    assert Blocked(Reason.RESOURCE_UNKNOWN, f"{WRONG} There are 'b.example' (9).") == trouble


def test_wrong_ids_and_names_are_reported_together_and_a_name_has_no_candidate_without_one() -> None:
    desired = named(NAMED, Resource(type="project", id=3, access_level="Viewer"))
    trouble = resolve(desired, whole(("domain", "", 8), ("domain", "a.example", 9))).trouble

    assert isinstance(trouble, Blocked)
    assert trouble.message.startswith("No resource of type domain is named 'shop.example'.")
    assert "There are 'a.example' (9). No resource of type project has the id 3." in trouble.message


def test_what_a_token_was_issued_for_is_not_looked_up_again() -> None:
    desired = named(NAMED, Resource(type="project", id=3, access_level="Viewer"), bound=(BOUND,))
    ids = tuple(r for r in desired.spec.resources if r.id)
    digest = access_digest(desired, ACCOUNT_ID, (DOMAIN, *ids))

    assert (ids, ()) == (unchecked(desired, ACCOUNT_ID, ()), unchecked(desired, ACCOUNT_ID, {digest}))
    assert None is resolve(desired, whole(), digest).trouble
    assert isinstance(resolve(desired, whole(), "another").trouble, Blocked)


def test_nothing_is_looked_up_in_an_account_that_is_not_known_nor_the_account_itself() -> None:
    assert () == unchecked(of("domain", 7), None, ())
    assert () == unchecked(of("account", str(ACCOUNT_ID)), ACCOUNT_ID, ())


@pytest.mark.parametrize(
    ("answer", "is_enough"),
    [
        (whole(("domain", "shop.example", 7)), True),
        (whole(("domain", "shop.example", 8)), False),
        (part(("domain", "shop.example", 8)), True),
        (Found(Catalogue(99, (CatalogueEntry("domain", "shop.example", 7),), is_whole=True)), False),
        (FORBIDDEN, True),
        (Unknown(Reason.REMOTE_ANSWER_UNUSABLE, "odd"), True),
        (TIMEOUT, False),
        (Unknown(Reason.CREDENTIAL_MISSING, "none"), False),
        (None, False),
    ],
    ids=[
        "shown",
        "not shown",
        "in part",
        "elsewhere",
        "forbidden",
        "odd",
        "timeout",
        "no credential",
        "none",
    ],
)
def test_an_earlier_answer_will_do_unless_another_one_may_say_more(
    answer: Answer, *, is_enough: bool
) -> None:
    assert is_enough == will_do(answer, ACCOUNT_ID, of("domain", 7).spec.resources)


def test_what_tokens_were_issued_for_is_on_record_in_the_status_and_in_secrets() -> None:
    other = of("domain", 8)
    in_status = other.model_copy(update={"status": a_status(current=a_current(desired=other))})
    moved = an_api_token(secret_name="new", status=WIPED)
    old, new = a_current().access_digest, a_current(desired=other).access_digest

    assert {old, new} == issued_access(seen(in_status))
    assert {old} == issued_access(seen(moved, secret=None, former_secret=a_secret()))
    assert set() == issued_access(seen(an_api_token(status=WIPED), secret=None))


HERE, ELSEWHERE = whole(("domain", "shop.example", 7)), whole(("domain", "other.example", 8))
NEW = an_api_token(status=WIPED, finalizers=())
EDITED = an_api_token(resources=(DOMAIN, Resource(type="domain", id=99, access_level="Viewer")))
STALLED = (State.STALLED, Reason.RESOURCE_UNKNOWN)
ENDING = a_current(issued_at=NOW - 90 * DAY, expires_at=NOW + HOUR)
ENDS = (a_remote_token(expires_at=NOW + HOUR),)
RESET = Noted(current=None, previous=(Leaving(1, 12 * HOUR),))


@pytest.mark.parametrize(
    ("world", "expected"),
    [
        row(
            "A first token for what the account shows.",
            asked(seen(NEW, secret=None, listed=UNLISTED), HERE),
            does="create",
            says=FIRST,
            records=Noted(current=None),
            works=False,
        ),
        row(
            "A first token where the account does not tell.",
            asked(seen(NEW, secret=None, listed=UNLISTED), FORBIDDEN),
            does="create",
            says=FIRST,
            records=Noted(current=None),
            works=False,
        ),
        row(
            "No first token for what the account lacks.",
            asked(seen(NEW, secret=None, listed=UNLISTED), ELSEWHERE),
            says=STALLED,
            again=MINUTE,
            works=False,
        ),
        row(
            "An edit that asks for what the account lacks: the token is kept.",
            asked(seen(EDITED), HERE),
            says=STALLED,
            again=MINUTE,
        ),
        row(
            "It is renewed by a reset meanwhile.",
            asked(seen(EDITED.model_copy(update={"status": a_status(current=ENDING)}), listed=ENDS), HERE),
            does="reset 1",
            says=(State.PROGRESSING, Reason.RENEWAL_DUE),
            records=RESET,
        ),
        row(
            "A resource that vanished: the token that works is kept.",
            asked(seen(an_api_token()), ELSEWHERE),
            says=(State.READY, Reason.TOKEN_PUBLISHED),
        ),
        row(
            "A resource that vanished does not keep a token from being replaced as ever.",
            asked(
                seen(
                    an_api_token(rotation=Rotation(strategy="Replace"), status=a_status(current=ENDING)),
                    listed=ENDS,
                ),
                ELSEWHERE,
            ),
            does="create",
            says=(State.PROGRESSING, Reason.RENEWAL_DUE),
            records=RESET,
        ),
    ],
)
def test_a_wrong_id_costs_no_token_and_takes_none_away(world: Observation, expected: Decision) -> None:
    assert expected == decision(world)


def test_a_look_without_an_answer_calls_for_a_closer_one() -> None:
    assert isinstance(plan(seen(NEW, secret=None, listed=UNLISTED), NOW).action, IssueToken)
