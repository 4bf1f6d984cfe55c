"""What the placeholders of a Secret stand for; the token value itself is never filled in here."""

from dataclasses import replace
from datetime import timedelta

import pytest

from mailtrap_operator.api.secret_template import PLACEHOLDERS
from mailtrap_operator.api.v1alpha1 import SecretTemplate
from mailtrap_operator.core.actions import IssueToken, RewriteSecret
from mailtrap_operator.core.digests import form_digest
from mailtrap_operator.core.observation import Observation, SecretState
from mailtrap_operator.core.planning import plan
from mailtrap_operator.core.templates import filled_for_account, filled_for_token
from tests.unit.core.builders import (
    DAY,
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

URL = "smtp://${smtpUser}:${token}@${smtpHost}:${smtpPort}"
CARD = "token ${tokenId} of account ${accountId} works until ${expiresAt}"
END = NOW + 80 * DAY


def test_the_servers_and_the_account_are_known_before_the_token() -> None:
    assert {
        "url": "smtp://api:${token}@live.smtp.mailtrap.io:587",
        "card": "token ${tokenId} of account 3229 works until ${expiresAt}",
        "bulk": "bulk.smtp.mailtrap.io:587",
    } == filled_for_account({"url": URL, "card": CARD, "bulk": "${bulkSmtpHost}:${bulkSmtpPort}"}, 3229)


def test_an_account_that_is_not_known_stays_open() -> None:
    assert {"card": CARD} == filled_for_account({"card": CARD}, None)


@pytest.mark.parametrize(("end", "words"), [(END, "2030-04-21T12:00:00Z"), (None, "never")])
def test_what_belongs_to_the_token(end: object, words: str) -> None:
    expires_at = END if end else None

    assert {"card": f"token 7 of account ${{accountId}} works until {words}"} == filled_for_token(
        {"card": CARD}, 7, expires_at
    )


def test_every_placeholder_but_the_value_is_filled() -> None:
    data = {"all": " ".join(PLACEHOLDERS)}
    filled = filled_for_token(filled_for_account(data, 3229), 7, None)["all"]

    assert ("${token}", 1) == (filled.split()[0], filled.count("${"))


def test_a_token_that_is_to_be_issued_leaves_open_what_only_its_answer_tells() -> None:
    template = SecretTemplate(data={"token": "${token}", "card": CARD})
    action = plan(seen(an_api_token(secret_template=template), secret=None), NOW).action

    assert isinstance(action, IssueToken)
    assert "token ${tokenId} of account 3229 works until ${expiresAt}" == action.secret.data["card"]


def holding(card: str, name: str = "billing") -> SecretState:
    form = {"token": "${token}", "card": card}
    return replace(a_secret(name=name), layout={key: form_digest(text) for key, text in form.items()})


def world(
    card: str, *, listed_end: timedelta = 80 * DAY, blind: bool = False, wiped: bool = False
) -> Observation:
    template = SecretTemplate(data={"token": "${token}", "card": CARD})
    status = WIPED if wiped else a_status(current=a_current(expires_at=END))
    tokens = TIMEOUT if blind else (a_remote_token(expires_at=NOW + listed_end),)
    return seen(
        an_api_token(secret_template=template, status=status, rotation={"renew_before": "24h"}),
        secret=holding(card),
        listed=tokens,
    )


RIGHT = "token 1 of account 3229 works until 2030-04-21T12:00:00Z"


def test_a_secret_that_says_what_is_true_is_left_alone() -> None:
    assert None is plan(world(RIGHT), NOW).action


@pytest.mark.parametrize(
    ("observation", "card"),
    [
        pytest.param(world(CARD), RIGHT, id="the placeholders came later"),
        pytest.param(
            world(RIGHT, listed_end=70 * DAY),
            "token 1 of account 3229 works until 2030-04-11T12:00:00Z",
            id="the token ends earlier now",
        ),
    ],
)
def test_a_secret_that_no_longer_says_what_is_true_is_repaired(observation: Observation, card: str) -> None:
    action = plan(observation, NOW).action

    assert isinstance(action, RewriteSecret)
    assert card == action.secret.data["card"]


def test_while_no_one_knows_when_the_token_ends_the_secret_is_left_alone() -> None:
    assert None is plan(world(RIGHT, blind=True, wiped=True), NOW).action


def test_a_value_takes_its_token_along_when_it_moves() -> None:
    template = SecretTemplate(data={"token": "${token}", "card": CARD})
    status = a_status(current=a_current(expires_at=END))
    api_token = an_api_token(secret_name="renamed", secret_template=template, status=status)
    observation = seen(
        api_token, secret=None, former_secret=holding(RIGHT), listed=(a_remote_token(expires_at=END),)
    )

    action = plan(observation, NOW).action
    assert isinstance(action, RewriteSecret)
    assert RIGHT == action.secret.data["card"]
