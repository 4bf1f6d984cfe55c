"""What the names in spec.resources stand for: looked up once, never guessed; who cannot be helped is told how to help."""

from typing import Any

import pytest

from mailtrap_operator.api.v1alpha1 import AccountPolicy, ApiToken, BoundResource, Resource
from mailtrap_operator.core import resources as subject
from mailtrap_operator.core.blocked import Blocked
from mailtrap_operator.core.digests import access_digest
from mailtrap_operator.core.observation import Catalogue, CatalogueEntry, Found, Unknown
from mailtrap_operator.core.reasons import Reason
from mailtrap_operator.core.resources import Resolution, unbound
from tests.unit.core.builders import ACCOUNT, ACCOUNT_IDS, DOMAIN, OTHER_ACCOUNT, TIMEOUT, an_api_token
from tests.unit.core.named import (
    ACCOUNT_ID,
    BOUND,
    NAMED,
    RENAMED,
    SHOP,
    TREE,
    a_catalogue,
    named,
)

MAIN = Resource(type="sandbox", name="main", access_level="Viewer")
MAIN_BOUND = BoundResource(type="sandbox", name="main", id="ab-1", account_id=ACCOUNT_ID)


def resolve(
    api_token: ApiToken, account_id: int | None, catalogue: Found[Catalogue] | Unknown | None, **rules: Any
) -> Resolution:
    policy = AccountPolicy.model_validate(rules, by_name=True)
    return subject.resolve(api_token, account_id, catalogue, policy)


def resources(api_token: ApiToken, catalogue: Found[Catalogue] | Unknown | None = TREE) -> list[str]:
    """Return what the resources come to, in words."""
    resolution = resolve(api_token, ACCOUNT_ID, catalogue)
    assert resolution.trouble is None
    return [f"{r.type} {r.id} {r.access_level}" for r in resolution.resources]


def test_ids_are_taken_as_they_are() -> None:
    resolution = resolve(an_api_token(), ACCOUNT_ID, None)

    assert ((DOMAIN,), (), None) == (resolution.resources, resolution.bound, resolution.trouble)


def test_a_name_stands_for_the_one_resource_that_has_it() -> None:
    resolution = resolve(named(NAMED, MAIN), ACCOUNT_ID, TREE)

    assert (DOMAIN, Resource(type="sandbox", id="ab-1", access_level="Viewer")) == resolution.resources
    assert (BOUND, MAIN_BOUND) == resolution.bound
    assert resolution.trouble is None


@pytest.mark.parametrize(
    ("spec", "tree"),
    [("domain", "domain"), ("domain", "sending_domain"), ("sending_domain", "domain")],
)
def test_the_earlier_names_of_types_mean_todays(spec: str, tree: str) -> None:
    desired = named(NAMED.model_copy(update={"type": spec}))

    assert [f"{spec} 7 Admin"] == resources(desired, a_catalogue((tree, "shop.example", 7)))


def test_a_resource_that_the_tree_shows_twice_is_one() -> None:
    assert ["domain 7 Admin"] == resources(named(), a_catalogue(SHOP, SHOP))


def test_a_name_that_was_looked_up_once_stays_with_its_id() -> None:
    renamed = a_catalogue(("domain", "new.example", 7), ("domain", "shop.example", 9))

    for catalogue in (None, TIMEOUT, renamed, a_catalogue()):
        assert ["domain 7 Admin"] == resources(named(bound=(BOUND,)), catalogue)


def test_it_stays_so_where_the_spec_takes_up_todays_name_of_its_type() -> None:
    bound = BOUND.model_copy(update={"type": "sending_domain"})
    resolution = resolve(named(bound=(bound,)), ACCOUNT_ID, None)

    assert ((DOMAIN,), (BOUND,)) == (resolution.resources, resolution.bound)


def test_a_name_that_left_the_spec_is_forgotten() -> None:
    assert () == resolve(an_api_token(), ACCOUNT_ID, None).bound
    assert (MAIN_BOUND,) == resolve(named(MAIN, bound=(BOUND, MAIN_BOUND)), ACCOUNT_ID, None).bound


def test_a_name_in_another_account_is_looked_up_again() -> None:
    moved = named(bound=(BOUND,), account_ref=OTHER_ACCOUNT)
    there = ACCOUNT_IDS[OTHER_ACCOUNT]
    tree = Found(Catalogue(there, (CatalogueEntry("domain", "shop.example", 12),)))

    assert (NAMED,) == unbound(moved, there)
    assert (BOUND.model_copy(update={"id": 12, "account_id": there}),) == resolve(moved, there, tree).bound
    assert () == resolve(moved, there, TIMEOUT).bound


def test_the_resources_of_another_account_are_not_believed() -> None:
    resolution = resolve(named(), ACCOUNT_IDS[OTHER_ACCOUNT], TREE)

    assert ((), ()) == (resolution.resources, resolution.bound)
    assert isinstance(resolution.trouble, Unknown)


def test_while_the_account_is_missing_names_stand_for_what_they_stood_for() -> None:
    assert (BOUND,) == resolve(named(bound=(BOUND,)), None, TIMEOUT).bound
    assert isinstance(resolve(named(), None, TIMEOUT).trouble, Unknown)


def test_a_spec_that_cannot_be_read_forgets_nothing() -> None:
    unreadable = named(bound=(BOUND,)).model_copy(
        update={"unreadable": {"resources": "resources: no list"}, "spec": an_api_token().spec}
    )

    assert (BOUND,) == resolve(unreadable, ACCOUNT_ID, TREE).bound


def test_before_anyone_asked_a_name_stands_for_nothing() -> None:
    resolution = resolve(named(NAMED, MAIN, bound=(BOUND,)), ACCOUNT_ID, None)

    assert ((DOMAIN,), (BOUND,)) == (resolution.resources, resolution.bound)
    assert isinstance(resolution.trouble, Unknown)
    assert Reason.ACCOUNT_NOT_LISTED is resolution.trouble.reason


def test_an_account_without_an_answer_is_reported_in_its_own_words() -> None:
    trouble = resolve(named(), ACCOUNT_ID, TIMEOUT).trouble

    assert isinstance(trouble, Unknown)
    assert f"The names in spec.resources cannot be looked up: {TIMEOUT.message}" == trouble.message
    assert (TIMEOUT.reason, TIMEOUT.retry_after) == (trouble.reason, trouble.retry_after)


VALUE = "0f1e2d3c4b5a69788796a5b4c3d2e1f0"
NO_SHOP = "No resource of type domain is named 'shop.example'. Correct the name, or give the id instead."
UNKNOWN, AMBIGUOUS = Reason.RESOURCE_UNKNOWN, Reason.RESOURCE_AMBIGUOUS
MANY = [("domain", f"{n:02}.example", n) for n in range(1, 14)]


def test_a_name_that_looks_like_the_value_of_a_token_can_be_given_all_the_same() -> None:
    desired = Resource(type="domain", name=VALUE, access_level="Admin")

    assert ["domain 8 Admin"] == resources(named(desired), a_catalogue(("domain", VALUE, 8)))


@pytest.mark.parametrize(
    ("entries", "reason", "words"),
    [
        pytest.param(
            [("domain", "b.example", 9), ("domain", "a.example", 8), ("sandbox", "shop.example", 5)],
            UNKNOWN,
            f"{NO_SHOP} There are 'a.example' (8), 'b.example' (9).",
            id="other names",
        ),
        pytest.param(
            [("domain", "Shop.example", 8)], UNKNOWN, f"{NO_SHOP} There are 'Shop.example' (8).", id="case"
        ),
        pytest.param(
            MANY,
            UNKNOWN,
            f"{NO_SHOP} There are {', '.join(f'{name!r} ({id_})' for _, name, id_ in MANY[:10])} and 3 more.",
            id="many names",
        ),
        pytest.param(
            [("domain", f"of {VALUE}", VALUE)],
            UNKNOWN,
            f"{NO_SHOP} There are 'of [left out]' ([left out]).",
            id="what looks like the value of a token",
        ),
        pytest.param(
            [("domain", "x" * 300, 8)], UNKNOWN, f"{NO_SHOP} There are '{'x' * 79}…' (8).", id="a long name"
        ),
        pytest.param(
            [("inbox", "shop.example", 5), ("project", "shop", 4)],
            UNKNOWN,
            f"{NO_SHOP} The account's credential sees no resource of type domain. It sees resources of type project, sandbox.",
            id="other types alone",
        ),
        pytest.param(
            [], UNKNOWN, f"{NO_SHOP} The account's credential sees no resource at all.", id="nothing"
        ),
        pytest.param(
            [("domain", "shop.example", 9), ("sending_domain", "shop.example", 7)],
            AMBIGUOUS,
            "2 resources of type domain are named 'shop.example': 7, 9. Give the id of the one that is meant.",
            id="two of one name",
        ),
        pytest.param(
            [("domain", "shop.example", n) for n in range(10, 25)],
            AMBIGUOUS,
            "15 resources of type domain are named 'shop.example': "
            "10, 11, 12, 13, 14, 15, 16, 17, 18, 19 and 5 more. Give the id of the one that is meant.",
            id="many of one name",
        ),
    ],
)
def test_a_name_that_stands_for_none_or_several_is_told_with_the_candidates(
    entries: list[tuple[str, str, int | str]], reason: Reason, words: str
) -> None:
    resolution = resolve(named(), ACCOUNT_ID, a_catalogue(*entries))

    assert Blocked(reason, words) == resolution.trouble
    assert ((), ()) == (resolution.resources, resolution.bound)


def test_one_unknown_name_does_not_keep_the_others_from_being_known() -> None:
    other = Resource(type="project", name="none", access_level="Admin")
    resolution = resolve(named(NAMED, other, MAIN), ACCOUNT_ID, TREE)

    assert (BOUND, MAIN_BOUND) == resolution.bound
    assert ["domain", "sandbox"] == [r.type for r in resolution.resources]


def test_all_unknown_names_are_reported_together() -> None:
    trouble = resolve(named(RENAMED, MAIN), ACCOUNT_ID, a_catalogue(SHOP)).trouble

    assert isinstance(trouble, Blocked)
    assert "No resource of type domain is named 'new.example'." in trouble.message
    assert "No resource of type sandbox is named 'main'." in trouble.message


@pytest.mark.parametrize(
    "listed",
    [
        pytest.param((DOMAIN, NAMED), id="an id and a name"),
        pytest.param((DOMAIN.model_copy(update={"id": "7"}), NAMED), id="an id as text and a name"),
        pytest.param(
            (NAMED, NAMED.model_copy(update={"type": "sending_domain", "access_level": "Viewer"})),
            id="a name under both names of the type",
        ),
        pytest.param((NAMED, RENAMED), id="a former and the present name"),
    ],
)
def test_one_resource_listed_twice_is_reported(listed: tuple[Resource, ...]) -> None:
    tree = a_catalogue(("domain", "new.example", 7), *([] if RENAMED in listed else [SHOP]))
    trouble = resolve(named(*listed, bound=(BOUND,) if RENAMED in listed else ()), ACCOUNT_ID, tree).trouble

    assert isinstance(trouble, Blocked)
    assert Reason.SPEC_INVALID is trouble.reason
    assert "lists domain 7 twice, once by the name 'shop.example'. Remove one" in trouble.message


def test_ids_that_are_listed_twice_are_left_to_the_server() -> None:
    twice = an_api_token(resources=(DOMAIN, DOMAIN.model_copy(update={"type": "sending_domain"})))

    assert resolve(twice, ACCOUNT_ID, None).trouble is None


def test_resource_given_by_id_or_by_name_is_the_same_desired_state() -> None:
    def digest(api_token: ApiToken) -> str:
        found = resolve(api_token, ACCOUNT_IDS[ACCOUNT], a_catalogue(SHOP, ("domain", "new.example", 7)))
        return access_digest(api_token, ACCOUNT_ID, found.resources)

    assert {digest(an_api_token())} == {digest(named()), digest(named(RENAMED))}


SECRETS = a_catalogue(
    ("domain", "a.example", 8), ("domain", "secret.example", 9), ("sending_domain", "b.example", 10), SHOP
)


@pytest.mark.parametrize(
    ("allowed", "words"),
    [
        pytest.param(
            [{"type": "domain", "id": 8}, {"type": "sending_domain", "id": "10"}],
            f"{NO_SHOP} There are 'a.example' (8), 'b.example' (10).",
            id="some of its type",
        ),
        pytest.param(
            [{"type": "domain", "id": 8}],
            f"{NO_SHOP} There are 'a.example' (8).",
            id="one of its type",
        ),
        pytest.param(
            [{"type": "domain", "id": 1}, {"type": "sandbox"}],
            f"{NO_SHOP} The account's credential sees no resource that its policy lists in allowedResources.",
            id="none that there is",
        ),
    ],
)
@pytest.mark.parametrize("is_there", [True, False])
def test_what_the_policy_does_not_list_reads_as_what_is_not_there(
    allowed: list[dict[str, object]], words: str, *, is_there: bool
) -> None:
    tree = SECRETS if is_there else a_catalogue(("domain", "a.example", 8), ("domain", "b.example", 10))
    resolution = resolve(named(), ACCOUNT_ID, tree, allowed_resources=allowed)

    assert Blocked(UNKNOWN, words) == resolution.trouble
    assert ((), ()) == (resolution.resources, resolution.bound)


def test_types_that_the_policy_does_not_list_are_not_told_either() -> None:
    tree = a_catalogue(("project", "secret", 4), ("inbox", "main", 5))
    trouble = resolve(named(), ACCOUNT_ID, tree, allowed_resources=[{"type": "sandbox"}]).trouble

    assert (
        Blocked(
            UNKNOWN,
            f"{NO_SHOP} The account's credential sees no resource of type domain. It sees resources of type sandbox.",
        )
        == trouble
    )


def test_of_two_of_one_name_the_one_that_the_policy_lists_is_meant() -> None:
    tree = a_catalogue(SHOP, ("domain", "shop.example", 9))
    resolution = resolve(named(), ACCOUNT_ID, tree, allowed_resources=[{"type": "domain", "id": 7}])

    assert ((BOUND,), None) == (resolution.bound, resolution.trouble)
