"""The Secret's name and form follow the spec; the same value moves, and nothing remote happens."""

from dataclasses import replace
from typing import Any

import pytest

from mailtrap_operator.api.names import MANAGED_BY_LABEL
from mailtrap_operator.api.v1alpha1 import SecretTemplate, TemplateMetadata
from mailtrap_operator.core.actions import DeleteSecret, RewriteSecret, State
from mailtrap_operator.core.observation import Observation, SecretState
from mailtrap_operator.core.ownership import owner_of
from mailtrap_operator.core.planning import plan
from mailtrap_operator.core.reasons import Reason
from tests.unit.core.builders import (
    ANOTHERS_REFERENCE,
    INSTALLATION,
    NAME,
    NAMESPACE,
    NOW,
    OWN_REFERENCE,
    SECRET_1,
    TIMEOUT,
    TOKEN_1,
    WIPED,
    a_current,
    a_foreign_secret,
    a_previous,
    a_remote_token,
    a_secret,
    a_status,
    an_api_token,
    an_edited_secret,
    seen,
)
from tests.unit.core.rows import Decision, Noted, decision, row

MENDED = (State.PROGRESSING, Reason.SECRET_OUTDATED)
READY = (State.READY, Reason.TOKEN_PUBLISHED)
RENAMED = an_api_token(secret_name="renamed")
MOVED = a_secret(name="renamed")


@pytest.mark.parametrize(
    ("world", "expected"),
    [
        row(
            "A new name is desired: the value is written there.",
            seen(RENAMED, secret=None, former_secret=SECRET_1),
            does="move billing to renamed",
            says=MENDED,
            works=False,
        ),
        row(
            "The account does not answer: a move asks nothing of it.",
            seen(RENAMED, secret=None, former_secret=SECRET_1, listed=TIMEOUT),
            does="move billing to renamed",
            says=MENDED,
            works=False,
        ),
        row(
            "A token must be issued as well: the value moves first.",
            seen(
                an_api_token(secret_name="renamed", display_name="other"), secret=None, former_secret=SECRET_1
            ),
            does="move billing to renamed",
            says=MENDED,
            works=False,
        ),
        row(
            "The value has moved: the former Secret is removed and the new one recorded.",
            seen(RENAMED, secret=MOVED, former_secret=SECRET_1),
            does="delete Secret billing",
            says=MENDED,
            records=Noted(secret_name="renamed"),
        ),
        row(
            "The value has moved and the former Secret is gone: the new one is recorded.",
            seen(RENAMED, secret=MOVED),
            says=MENDED,
            records=Noted(secret_name="renamed"),
        ),
        row(
            "The value has moved and someone took the former name: that Secret is not ours to remove.",
            seen(RENAMED, secret=MOVED, former_secret=a_foreign_secret()),
            says=MENDED,
            records=Noted(secret_name="renamed"),
        ),
        row(
            "The new Secret is not as desired yet: it is repaired before the former one goes.",
            seen(RENAMED, secret=a_secret(name="renamed", owners=()), former_secret=SECRET_1),
            does="rewrite renamed",
            says=MENDED,
        ),
        row(
            "A rotation comes before the former Secret goes.",
            seen(
                an_api_token(secret_name="renamed", display_name="other"),
                secret=MOVED,
                former_secret=SECRET_1,
            ),
            does="create",
            says=(State.PROGRESSING, Reason.ACCESS_CHANGED),
            records=decision(seen(an_api_token(display_name="other"))).records,
        ),
        row(
            "No name is on record yet.",
            seen(an_api_token(status=a_status(secret_name=None))),
            says=MENDED,
            records=Noted(),
        ),
    ],
)
def test_a_changed_secret_name_takes_the_same_value_along(world: Observation, expected: Decision) -> None:
    assert expected == decision(world)


def test_the_value_moves_into_a_secret_that_is_not_there_yet() -> None:
    action = plan(seen(RENAMED, secret=None, former_secret=SECRET_1), NOW).action

    assert isinstance(action, RewriteSecret)
    assert SECRET_1 == action.source
    assert ("renamed", None) == (action.secret.name, action.secret.resource_version)


def test_the_former_secret_is_removed_as_it_was_read() -> None:
    action = plan(seen(RENAMED, secret=MOVED, former_secret=SECRET_1), NOW).action

    assert DeleteSecret("shop", SECRET_1) == action


def template(**parts: Any) -> SecretTemplate:
    data = parts.pop("data", {"token": "${token}"})
    return SecretTemplate(metadata=TemplateMetadata(**parts), data=data)


@pytest.mark.parametrize(
    ("spec", "secret"),
    [
        pytest.param(
            {"secret_template": template(data={"token": "${token}", "url": "smtp://api:${token}@host"})},
            SECRET_1,
            id="another key is desired",
        ),
        pytest.param(
            {"secret_template": template(data={"token": "Bearer ${token}"})},
            SECRET_1,
            id="another text is desired",
        ),
        pytest.param(
            {}, a_secret(data={"token": "${token}", "old": "${token}"}), id="a key is desired no more"
        ),
        pytest.param(
            {}, a_secret(data={"token": "${token} edited"}), id="a text around the value was edited"
        ),
        pytest.param({"secret_template": template(labels={"team": "a"})}, SECRET_1, id="a label is desired"),
        pytest.param({}, a_secret(labels={"team": "a"}), id="a label is desired no more"),
        pytest.param(
            {"secret_template": template(labels={"team": "a"})},
            a_secret(labels={"team": "b"}),
            id="a label was edited",
        ),
        pytest.param({}, a_secret(labels={MANAGED_BY_LABEL: "somebody"}), id="our own label was edited"),
        pytest.param(
            {"secret_template": template(annotations={"note": "x"})}, SECRET_1, id="an annotation is desired"
        ),
        pytest.param({}, a_secret(annotations={"note": "x"}), id="an annotation is desired no more"),
        pytest.param({}, a_secret(owners=(ANOTHERS_REFERENCE,)), id="the owner reference was removed"),
        pytest.param(
            {},
            a_secret(owners=(replace(OWN_REFERENCE, kind="Pod"),)),
            id="the kind in the owner reference was edited",
        ),
        pytest.param({"creation_policy": "Orphan"}, SECRET_1, id="the Secret is to outlive the object"),
    ],
)
def test_an_outdated_secret_is_rewritten_with_the_same_value(
    spec: dict[str, Any], secret: SecretState
) -> None:
    for listed in ((TOKEN_1,), TIMEOUT):
        planned = plan(seen(an_api_token(**spec), secret=secret, listed=listed), NOW)

        assert isinstance(planned.action, RewriteSecret)
        assert (secret, "billing", "20") == (
            planned.action.source,
            planned.action.secret.name,
            planned.action.secret.resource_version,
        )
        assert MENDED == (planned.finding.state, planned.finding.reason)
        assert planned.works


@pytest.mark.parametrize(
    ("spec", "secret"),
    [
        pytest.param(
            {}, a_secret(owners=(ANOTHERS_REFERENCE, OWN_REFERENCE)), id="someone else owns it, too"
        ),
        pytest.param(
            {"creation_policy": "Orphan"}, a_secret(owners=()), id="it is to outlive the object and does"
        ),
        pytest.param(
            {"creation_policy": "Orphan"}, a_secret(owners=(ANOTHERS_REFERENCE,)), id="only others own it"
        ),
        pytest.param(
            {"secret_template": template(data={"b": "${token}", "a": "x"}, labels={"team": "a"})},
            a_secret(data={"a": "x", "b": "${token}"}, labels={"team": "a"}),
            id="the order of keys does not matter",
        ),
    ],
)
def test_a_secret_of_the_desired_form_is_left_alone(spec: dict[str, Any], secret: SecretState) -> None:
    assert Decision("nothing", *READY, Noted(), None, works=True) == decision(
        seen(an_api_token(**spec), secret=secret)
    )


def test_a_secret_is_repaired_before_old_tokens_go() -> None:
    world = seen(
        an_api_token(status=a_status(previous=(a_previous(2, delete_after=NOW),))),
        secret=a_secret(labels={"team": "a"}),
        listed=(TOKEN_1, a_remote_token(2)),
    )

    assert "rewrite billing" == decision(world).does


def test_a_secret_without_its_value_is_not_repaired_while_no_token_can_be_issued() -> None:
    world = seen(secret=an_edited_secret(), listed=TIMEOUT)

    assert Decision(
        "nothing", State.BLOCKED, Reason.REMOTE_UNAVAILABLE, Noted(), None, works=False
    ) == decision(world)


def test_a_record_of_a_dead_token_does_not_make_a_secret_work() -> None:
    world = seen(an_api_token(status=a_status(current=a_current(5))), secret=a_secret(5), listed=())

    assert ("create", False) == (decision(world).does, decision(world).works)


FORMER_REFERENCE = replace(OWN_REFERENCE, uid="uid-0")
FORMER = a_secret(
    owner=f"{INSTALLATION}-{owner_of(INSTALLATION, NAMESPACE, NAME, 'uid-0')}", owners=(FORMER_REFERENCE,)
)


def test_a_secret_that_a_former_object_of_this_name_left_behind_is_removed() -> None:
    planned = plan(seen(an_api_token(status=WIPED, finalizers=()), secret=FORMER, listed=()), NOW)

    assert DeleteSecret(NAMESPACE, FORMER) == planned.action
    assert MENDED == (planned.finding.state, planned.finding.reason)


@pytest.mark.parametrize(
    "secret",
    [
        pytest.param(replace(FORMER, owners=()), id="no owner says that it may go"),
        pytest.param(
            replace(FORMER, owners=(FORMER_REFERENCE, ANOTHERS_REFERENCE)), id="another owns it, too"
        ),
        pytest.param(
            replace(FORMER, owners=(replace(FORMER_REFERENCE, kind="Pod"),)), id="no ApiToken owns it"
        ),
        pytest.param(replace(FORMER, owners=(ANOTHERS_REFERENCE,)), id="an object of another name owns it"),
        pytest.param(replace(FORMER, owner="zzzzzz-whoever"), id="the mark is another's"),
        pytest.param(replace(FORMER, owners=(OWN_REFERENCE,)), id="this very object owns it"),
    ],
)
def test_any_other_secret_is_left_alone(secret: SecretState) -> None:
    planned = plan(seen(an_api_token(status=WIPED, finalizers=()), secret=secret, listed=()), NOW)

    assert (None, Reason.SECRET_NOT_OWNED) == (planned.action, planned.finding.reason)
