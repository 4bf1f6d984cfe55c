"""Digests of the desired state tell later whether they changed; so they change with them, and with nothing else."""

from typing import Any

import pytest

from mailtrap_operator.api.v1alpha1 import (
    AccountRef,
    ApiToken,
    Expiration,
    Resource,
    Rotation,
    SecretTemplate,
)
from mailtrap_operator.core.digests import access_digest, display_name, expiration_digest, form_digest
from tests.unit.core.builders import DAY, HOUR, NOW, OTHER_ACCOUNT, an_api_token

ADMIN = Resource(type="domain", id=7, access_level="Admin")
OTHER = Resource(type="sandbox", id="main", access_level="Viewer")


def access(account_id: int | None = 3229, **spec: Any) -> str:
    api_token = an_api_token(**spec)
    return access_digest(api_token, account_id, api_token.spec.resources)


@pytest.mark.parametrize(
    "changed",
    [
        pytest.param(access(display_name="other"), id="display name"),
        pytest.param(access(resources=(ADMIN, OTHER)), id="one resource more"),
        pytest.param(access(resources=(OTHER,)), id="another resource"),
        pytest.param(access(resources=(Resource(type="project", id=7, access_level="Admin"),)), id="type"),
        pytest.param(access(resources=(Resource(type="domain", id=8, access_level="Admin"),)), id="id"),
        pytest.param(
            access(resources=(Resource(type="domain", id=7, access_level="Viewer"),)), id="access level"
        ),
        pytest.param(access(account_ref=OTHER_ACCOUNT), id="name of the account"),
        pytest.param(access(account_ref=AccountRef(kind="MailtrapAccount")), id="kind of the account"),
        pytest.param(access(4711), id="id of the account"),
        pytest.param(access(None), id="no id of the account"),
    ],
)
def test_what_only_another_token_can_change_changes_the_access_digest(changed: str) -> None:
    assert access() != changed


@pytest.mark.parametrize(
    "same",
    [
        pytest.param(access(expiration=Expiration(policy="Never")), id="expiration"),
        pytest.param(access(rotation=Rotation(overlap=HOUR)), id="rotation"),
        pytest.param(
            access(secret_name="x", secret_template=SecretTemplate(data={"a": "${token}"})), id="Secret"
        ),
        pytest.param(access(suspend=True, creation_policy="Orphan", deletion_policy="Retain"), id="policies"),
        pytest.param(access(annotations={"a": "b"}), id="annotations"),
        pytest.param(access(display_name="shop/billing"), id="the default name written out"),
        pytest.param(
            access(resources=(Resource(type="domain", id="7", access_level="Admin"),)), id="an id as text"
        ),
    ],
)
def test_nothing_else_changes_the_access_digest(same: str) -> None:
    assert access() == same


@pytest.mark.parametrize(("earlier", "today"), [("inbox", "sandbox"), ("sending_domain", "domain")])
def test_both_names_of_a_type_are_the_same_access(earlier: str, today: str) -> None:
    one, other = (Resource(type=name, id=7, access_level="Admin") for name in (earlier, today))

    assert access(resources=(one,)) == access(resources=(other,))


def test_the_order_of_resources_does_not_count() -> None:
    assert access(resources=(ADMIN, OTHER)) == access(resources=(OTHER, ADMIN))


def expiration(**desired: Any) -> str:
    return expiration_digest(an_api_token(expiration=Expiration(**desired)))


def test_each_expiration_has_its_own_digest() -> None:
    desired = [
        expiration(),
        expiration(policy="Never"),
        expiration(policy="After", after=90 * DAY),
        expiration(policy="After", after=91 * DAY),
        expiration(policy="At", at=NOW),
        expiration(policy="At", at=NOW + DAY),
    ]

    assert len(desired) == len(set(desired))


def test_one_expiration_written_in_two_ways_has_one_digest() -> None:
    def written(after: str) -> ApiToken:
        return an_api_token(expiration={"policy": "After", "after": after})

    assert expiration_digest(written("1h30m")) == expiration_digest(written("90m"))
    assert expiration(policy="At", at=NOW) == expiration(policy="At", at="2030-01-31T13:00:00+01:00")


def test_nothing_else_changes_the_expiration_digest() -> None:
    other = an_api_token(display_name="x", rotation=Rotation(strategy="Replace"), resources=(OTHER,))

    assert expiration() == expiration_digest(other)


def test_digests_stay_the_same_over_releases() -> None:
    """Were they to change, an upgrade would rotate every token, or write every Secret again."""
    assert "9851da1ac9317927" == access(display_name="mailer")
    assert "6c75099971b24575" == expiration(policy="After", after=90 * DAY)
    assert "810c470c296e47a2" == expiration(policy="At", at=NOW)
    assert "31b6fe041398eae3" == form_digest("${token}")


def test_a_form_is_told_from_another_one() -> None:
    assert form_digest("${token}") != form_digest("Bearer ${token}")


def test_the_default_name_is_that_of_the_object_as_long_as_a_desired_one_may_be() -> None:
    assert "shop/billing" == display_name(an_api_token())
    assert "mailer" == display_name(an_api_token(display_name="mailer"))

    long_name = an_api_token()
    meta = long_name.metadata.model_copy(update={"name": "n" * 253})
    assert f"shop/{'n' * 145}" == display_name(long_name.model_copy(update={"metadata": meta}))
