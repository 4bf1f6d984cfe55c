from dataclasses import replace

import pytest
from pydantic import SecretStr

from mailtrap_operator.clients.unpublished_values import UnpublishedValues
from mailtrap_operator.core.keys import ApiTokenKey
from mailtrap_operator.core.observation import UnpublishedToken
from tests.unit.clients.secrets_of_ours import ISSUED, TOKEN, VALUE

KEY, OTHER = ApiTokenKey("team", "billing"), ApiTokenKey("team", "mailer")
WAITING = UnpublishedToken(ISSUED.nonce, TOKEN)
LATER = replace(ISSUED, nonce="bcdefgha", value=SecretStr("later"))


def test_a_value_that_is_kept_can_be_reported_without_it_and_had_by_its_attempt() -> None:
    unpublished = UnpublishedValues()

    unpublished.keep(KEY, ISSUED)

    assert (WAITING, None) == (unpublished.peek(KEY), unpublished.peek(OTHER))
    assert ISSUED == unpublished.value_of(KEY, WAITING)


def test_one_value_is_kept_for_each_object_the_latest() -> None:
    unpublished = UnpublishedValues()
    unpublished.keep(OTHER, ISSUED)

    unpublished.keep(KEY, ISSUED)
    unpublished.keep(KEY, LATER)

    assert LATER == unpublished.value_of(KEY, UnpublishedToken(LATER.nonce, TOKEN))
    assert ISSUED == unpublished.value_of(OTHER, WAITING)


def test_the_value_of_another_attempt_is_never_taken_for_it() -> None:
    unpublished = UnpublishedValues()
    unpublished.keep(KEY, LATER)

    with pytest.raises(LookupError, match="the value of token 7 is no longer kept"):
        unpublished.value_of(KEY, WAITING)
    with pytest.raises(LookupError):
        unpublished.value_of(OTHER, WAITING)


def test_a_value_that_is_dropped_is_forgotten_and_dropping_nothing_is_no_error() -> None:
    unpublished = UnpublishedValues()
    unpublished.keep(KEY, ISSUED)

    for _ in range(2):
        unpublished.drop(KEY)

    assert None is unpublished.peek(KEY)


def test_a_value_shows_nowhere() -> None:
    unpublished = UnpublishedValues()
    unpublished.keep(KEY, ISSUED)

    assert VALUE not in f"{ISSUED!r} {ISSUED} {vars(unpublished)!r} {unpublished.peek(KEY)!r}"
