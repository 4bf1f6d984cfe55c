"""Whether a Secret holds the value of the token to adopt: who does not have the value may not retire the token.

The value is read, tried and dropped here. How many calls are made depends on the value alone, never on the token that
is named: anyone who guesses learns nothing of it.
"""

from mailtrap_operator.clients.mailtrap import MailtrapClient
from mailtrap_operator.clients.pacer import Turn
from mailtrap_operator.clients.secret_client import SecretClient
from mailtrap_operator.core.adoption import proven_by
from mailtrap_operator.core.observation import RemoteToken
from mailtrap_operator.core.references import ProofPlace


async def proven_token(
    secrets: SecretClient, client: MailtrapClient, turn: Turn, place: ProofPlace, token_id: int
) -> RemoteToken | None:
    """Return the token of an id where the Secret holds its value, else None; raises a `Failure`.

    Without a value there is no remote call. The value is tried before and after the LIST: then its token was among
    those listed, and cannot have been deleted to make another one, which ends alike, look like the only one.
    """
    value = await secrets.read_value(*place)
    if value is None:
        return None
    async with client.pacer.slot(*turn):
        if not await client.opens_account(value):
            return None
    async with client.pacer.slot(*turn):
        listed = await client.list_tokens()
    async with client.pacer.slot(*turn):
        if not await client.opens_account(value):
            return None
    return proven_by(value.get_secret_value(), listed, token_id)
