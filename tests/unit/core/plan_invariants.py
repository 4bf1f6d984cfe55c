"""What every plan must keep, said without the planner's own words, so that both must be wrong for a hole to stay."""

from datetime import datetime

from mailtrap_operator.api.v1alpha1 import AccountRef, CurrentToken, PreviousToken
from mailtrap_operator.core.actions import Plan, Record, RevokeToken
from mailtrap_operator.core.observation import Found, Observation, RemoteToken, SecretState
from tests.unit.core.builders import OWNER, OWNER_MARK


def lists(world: Observation) -> dict[AccountRef, dict[int, RemoteToken]]:
    """Return the tokens with our tag in each account that answered."""
    installation = world.identity.installation
    return {
        view.ref: {
            token.id: token
            for token in view.tokens.value
            if token.tag and (token.tag.installation, token.tag.owner) == (installation, OWNER)
        }
        for view in world.accounts
        if isinstance(view.tokens, Found)
    }


def listed(world: Observation) -> dict[int, RemoteToken]:
    """Return the tokens with our tag in all accounts that answered."""
    return {id_: token for tokens in lists(world).values() for id_, token in tokens.items()}


def secret_of_ours(world: Observation) -> SecretState | None:
    """Return the Secret, where it is there and ours."""
    secret = world.secret
    return secret.value if isinstance(secret, Found) and secret.value.owner == OWNER_MARK else None


def may_live(world: Observation, token: CurrentToken | PreviousToken) -> bool:
    """Whether no LIST of the token's account says that it is gone."""
    answers = lists(world)
    return token.account not in answers or token.id in listed(world)


def ids(record: Record) -> set[int]:
    """Return the tokens that are on record."""
    return {token.id for token in (*record.previous, record.current) if token}


def unconfirmed(world: Observation) -> set[int]:
    """Return the tokens that the status or an intact Secret of ours names."""
    status, secret = world.api_token.status, secret_of_ours(world)
    held = {secret.token_id} if secret and secret.is_intact and secret.token_id else set()
    return {token.id for token in (*status.previous, status.current) if token} | held


def forgotten(world: Observation, planned: Plan) -> set[int]:
    """Return the tokens that were on record, may still live, and are neither on record any more nor revoked."""
    status = world.api_token.status
    before = [token for token in (*status.previous, status.current) if token and may_live(world, token)]
    revoked = {planned.action.token.id} if isinstance(planned.action, RevokeToken) else set()
    return {token.id for token in before} - ids(planned.record) - revoked


def ended(world: Observation, token_id: int, now: datetime) -> bool:
    """Whether a token is retired and its overlap is over."""
    return any(
        previous.id == token_id and previous.delete_after <= now
        for previous in world.api_token.status.previous
    )
