"""docs/remote-calls.md lists the calls that the client can make, and no others."""

import re

from pydantic import SecretStr

from tests.documents import ROOT
from tests.unit.clients.mailtrap_harness import EVERY_CALL, client_of
from tests.unit.clients.remote import Remote
from tests.unit.clock import virtual

PAGE = (ROOT / "docs" / "remote-calls.md").read_text()


@virtual
async def test_the_page_lists_every_call_and_no_other() -> None:
    remote = Remote.with_account()
    client = client_of(remote)
    for call in EVERY_CALL.values():
        await call(client, remote.seed())
    await client.is_accepted(SecretStr("0" * 32))

    made = {
        re.sub(r"/api_tokens/\d+", "/api_tokens/{id}", f"{each.method} {each.path}")
        for each in remote.requests
    }

    assert {"api-token"} <= set(remote.requests[0].headers)
    assert made == set(re.findall(r"^\| `([A-Z]+ /api/[^`]+)` \|", PAGE, re.MULTILINE))
