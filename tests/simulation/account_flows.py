"""Flows about the accounts of the ApiTokens: they are in no world's main line, so they have a list of their own."""

import base64
from copy import deepcopy
from typing import Any

from mailtrap_operator.api.names import ACCOUNT_FINALIZER, CREDENTIAL_FINALIZER
from mailtrap_operator.core.ownership import Tag
from mailtrap_simulator.drafts import Draft
from mailtrap_simulator.tokens import ADMIN, Grant
from tests.simulation.flows import Flow, create, delete, is_served
from tests.simulation.operator_instance import INSTALLATION
from tests.simulation.virtual_time import server_time
from tests.simulation.world import CREDENTIAL, GROUP, World, api_token_path

ACCOUNT = f"{GROUP}/clustermailtrapaccounts/default"
SECRETS = "/api/v1/namespaces/mailtrap-system/secrets"
_LOST = "team/lost " + str(Tag(INSTALLATION, "nobodyaaaa", "abcdefgh"))


def finalizers(world: World, path: str) -> list[str] | None:
    """Return the finalizers of an object, None when it is gone."""
    body = world.read(path)
    return None if body is None else list(body["metadata"].get("finalizers", ()))


def _is_held(world: World) -> bool:
    held = finalizers(world, ACCOUNT), finalizers(world, f"{SECRETS}/mailtrap-credentials")
    return is_served(world) and held == ([ACCOUNT_FINALIZER], [CREDENTIAL_FINALIZER])


def _is_free(world: World) -> bool:
    return not world.api_tokens() and [[], []] == [
        finalizers(world, ACCOUNT),
        finalizers(world, f"{SECRETS}/mailtrap-credentials"),
    ]


def _delete_all(world: World) -> None:
    """Delete the credential, the account and the ApiToken, the worst first, as the deletion of a namespace may do."""
    for path in (f"{SECRETS}/mailtrap-credentials", ACCOUNT, api_token_path()):
        world.delete(path)


def _is_all_gone(world: World) -> bool:
    paths = (f"{SECRETS}/mailtrap-credentials", ACCOUNT)
    return not world.api_tokens() and [None, None] == [finalizers(world, path) for path in paths]


def _change_secret(world: World) -> None:
    data = {"token": base64.b64encode(CREDENTIAL.encode()).decode()}
    world.write("POST", SECRETS, {"metadata": {"name": "others"}, "data": data})
    world.write("PATCH", ACCOUNT, {"spec": {"credentialsSecretRef": {"name": "others"}}})


def _is_other_secret_held(world: World) -> bool:
    former, present = (finalizers(world, f"{SECRETS}/{name}") for name in ("mailtrap-credentials", "others"))
    return is_served(world) and (former, present) == ([], [CREDENTIAL_FINALIZER])


def _have_an_old_orphan(world: World) -> None:
    """Have a token that has belonged to no one for long, and have such tokens deleted."""
    draft = Draft(_LOST, (Grant("domain", 1, ADMIN),), None)
    orphan = world.account.create(draft, "Jane Doe", server_time(), value=None)
    body: dict[str, Any] = deepcopy(world.read(ACCOUNT) or {})
    body["status"]["orphans"] = [
        {"id": orphan.id, "lastFour": orphan.value[-4:], "name": "old", "seenAt": "2020-01-01T00:00:00Z"}
    ]
    world.write("PUT", f"{ACCOUNT}/status", body)
    world.write("PATCH", ACCOUNT, {"spec": {"orphanPolicy": "Delete"}})


def _is_swept(world: World) -> bool:
    body = world.read(ACCOUNT) or {}
    recorded = {orphan.get("name") for orphan in body["status"].get("orphans", ())}
    is_gone = not any(token.name == _LOST for token in world.remote_tokens().values())
    # Where a list or an answer says that it is gone, and another that it is not, its day starts again.
    return is_served(world) and is_gone != (_LOST in recorded)


ACCOUNT_FLOWS: tuple[Flow, ...] = (
    Flow("account held", create, spec=None, is_done=_is_held),
    Flow("account let go", delete, is_done=_is_free),
    Flow("all deleted", _delete_all, is_done=_is_all_gone),
    Flow("Secret of the credential changed", _change_secret, is_done=_is_other_secret_held),
    Flow("orphan deleted", _have_an_old_orphan, is_done=_is_swept),
)
