"""What a tenant says of tokens that are not the tenant's: in marks, annotations, names and the spec. It moves nothing.

Each test is an attack that was tried and does not succeed; its docstring says which.
"""

from typing import Any

import pytest

from tests.e2e.kube import Body, RefusedError
from tests.e2e.tenant import ADOPT, CONFIRM, Scene, by_hand, changes_of, forge_secret, is_over, own_account
from tests.e2e.world import INSTALLATION, World, eventually


def token_of(world: World, name: str) -> int:
    """Have an ApiToken served whose former tokens are deleted at once; return the id of its token."""
    world.put_api_token(name, rotation={"strategy": "Replace", "overlap": "0s"})
    world.becomes_ready(name)
    return int(world.status(name)["tokenId"])


def test_forged_marks_on_ones_own_secret_harm_no_token(scene: Scene) -> None:
    """Tried: forged marks on one's own Secret (alice's id, a person's, another cluster's), then rotate and delete."""
    scene.serve(scene.alice, scene.mallory)
    others = {
        "alices": token_of(scene.alice, "mailer"),
        "persons": by_hand(scene.admin, "by hand")["id"],
        "elsewhere": by_hand(scene.admin, "shop/mailer [k8s:othera-abcdefghij-klmnopqr]")["id"],
    }
    for name, token_id in others.items():
        token_of(scene.mallory, name)
        version = (scene.mallory.api_token(name) or {})["metadata"]["resourceVersion"]
        forge_secret(scene.mallory, name, token_id, scene.ref, like=name)
        eventually(
            lambda: (scene.mallory.api_token(name) or {})["metadata"]["resourceVersion"] != version,  # noqa: B023 - called at once
            "the forgery is seen",
        )
        scene.mallory.request_rotation(name, "now")
    for name in others:
        eventually(lambda: is_answered(scene.mallory, name), "it is judged")  # noqa: B023 - called at once
        scene.mallory.delete_api_token(name)
    for name in others:
        is_over(scene.mallory, name)

    assert {name: [] for name in others} == {
        name: changes_of(scene.admin, token_id) for name, token_id in others.items()
    }
    assert scene.alice.works(scene.alice.value("mailer"))


def is_answered(world: World, name: str) -> bool:
    """Whether a rotation was made, or something was said that stands against it."""
    stopped = world.condition(name, "Stalled") or world.condition(name, "Reconciling")
    return world.status(name).get("lastHandledRotateRequest") == "now" or bool(stopped)


def test_a_tagged_token_is_not_adopted(scene: Scene) -> None:
    """Tried: adopting a tagged token without writing status."""
    token_id = token_of(scene.alice, "mailer")
    own = own_account(scene.mallory, "own")

    annotations = {ADOPT: str(token_id), CONFIRM: str(token_id)}
    scene.mallory.put_annotated_api_token(
        "thief", annotations, accountRef={"kind": "MailtrapAccount", "name": own.name}
    )

    scene.mallory.becomes("thief", "AdoptionRefused")
    assert [] == changes_of(scene.admin, token_id)
    assert scene.alice.works(scene.alice.value("mailer"))


LOOK_ALIKES = {
    "full-width": "［ｋ８ｓ：{tag}］",
    "upper-case": "[K8S:{tag}]",
    "upper-case-tag": "[k8s :{upper}]",
    "other-brackets": "{{k8s:{tag}}}",
    "blank": "[ k8s:{tag}]",
}


def test_a_name_that_looks_like_a_tag_is_no_ones(scene: Scene) -> None:
    """Tried: a tag in `displayName`, and look-alikes in full width or upper case."""
    scene.serve(scene.alice, scene.mallory)
    token_of(scene.alice, "mailer")
    (token,) = scene.alice.tokens_of("mailer")
    tag = token["name"].partition("[k8s:")[2].rstrip("]")
    with pytest.raises(RefusedError, match=r"must not contain '\[k8s:'"):
        scene.mallory.put_api_token("plain", displayName=f"a [k8s:{tag}]")

    for name, form in LOOK_ALIKES.items():
        display = f"{scene.mallory.namespace} {form.format(tag=tag, upper=tag.upper())}"
        scene.mallory.put_api_token(name, displayName=display)
    values = {name: scene.mallory.becomes_ready(name) for name in LOOK_ALIKES}
    scene.alice.delete_api_token("mailer")
    scene.alice.is_gone("mailer")

    assert dict.fromkeys(LOOK_ALIKES, True) == {
        name: scene.mallory.works(value) for name, value in values.items()
    }
    names = [token["name"] for token in scene.admin.living()]
    assert len(LOOK_ALIKES) == len(
        [n for n in names if scene.mallory.namespace in n and f"[k8s:{INSTALLATION}-" in n]
    )


METADATA: dict[str, Body] = {
    "argo": {"annotations": {"argocd.argoproj.io/tracking-id": "x"}},
    "argo-label": {"labels": {"app.kubernetes.io/instance": "x"}},
    "flux": {"labels": {"kustomize.toolkit.fluxcd.io/name": "x"}},
    "helm": {"annotations": {"meta.helm.sh/release-name": "x"}},
    "kubectl": {"annotations": {"kubectl.kubernetes.io/last-applied-configuration": "{}"}},
    "applyset": {"labels": {"applyset.kubernetes.io/part-of": "x"}},
    "own": {"annotations": {"mailtrap-operator.io/token-id": "1"}},
    "managed-by": {"labels": {"app.kubernetes.io/managed-by": "helm"}},
    "upper-case": {"annotations": {"ArgoCD.argoproj.io/tracking-id": "x"}},
    "upper-case-own": {"annotations": {"Mailtrap-Operator.io/token-id": "1"}},
}


def test_metadata_by_which_tools_know_their_own_is_refused(scene: Scene) -> None:
    """Tried: metadata of Argo CD, Flux, Helm, the own prefix, managed-by, an upper-case domain."""
    scene.serve(scene.alice, scene.mallory)

    for name, metadata in METADATA.items():
        with pytest.raises(RefusedError, match="422"):
            scene.mallory.put_api_token(name, secretTemplate={"metadata": metadata})
        assert None is scene.mallory.secret(name)


def permission(type_: str, id_: object, level: str = "Viewer") -> Body:
    return {"type": type_, "id": id_, "accessLevel": level}


BEYOND: dict[str, Body] = {
    "another-id": permission("domain", 999),
    "another-type": permission("sandbox", 435),
    "case": permission("Domain", 999),
    "upper-case": permission("DOMAIN", 435),
    "blank-before": permission("domain", " 435"),
    "blank-after": permission("domain", "435 "),
    "leading-zero": permission("domain", "0435"),
    "suffix": permission("domain", "435x"),
    "decimal": permission("domain", "435.0"),
    "full-width": permission("domain", "４３５"),
    "earlier-name": permission("sending_domain", 999),
    "earlier-name-of-another": permission("inbox", 435),
    "level": permission("domain", 435, "Admin"),
    "unknown-level": permission("domain", 435, "admin"),
    "number-as-level": permission("domain", 435, "100"),
    "no-type": permission("", 435),
}


def test_no_form_of_a_type_or_an_id_goes_past_the_policy(scene: Scene) -> None:
    """Tried: types and ids of the policy in other case, with blanks, zeros, suffixes, full-width digits, earlier names, unknown levels."""
    allowed: dict[str, Any] = {
        "allowedResources": [{"type": "domain", "id": 435}],
        "maxAccessLevel": "Viewer",
    }
    scene.serve(scene.alice, scene.mallory, **allowed)
    before = scene.admin.last_call()

    admitted = [name for name, resource in BEYOND.items() if is_admitted(scene.mallory, name, resource)]
    for name in admitted:
        scene.mallory.becomes(name, "PolicyViolated", "Stalled")

    assert {"another-id", "leading-zero", "full-width", "level"} <= set(admitted)
    assert [] == scene.admin.operations(before)
    scene.mallory.put_api_token("within", resources=[permission("sending_domain", "435")])
    scene.mallory.becomes_ready("within")


def is_admitted(world: World, name: str, resource: Body) -> bool:
    """Whether the API server admits an ApiToken for a resource."""
    try:
        world.put_api_token(name, resources=[resource])
    except RefusedError as refused:
        if refused.status == 422:
            return False
        raise
    return True
