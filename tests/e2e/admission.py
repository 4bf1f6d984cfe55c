"""Admission policies of a test's own, that are there for a while."""

import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from tests.e2e.kube import Body
from tests.e2e.world import World, eventually

ADMISSION = "/apis/admissionregistration.k8s.io/v1"


@contextmanager
def policy_in_force(
    world: World, kind: str, policy: Body, binding: Body, is_in_force: Callable[[], bool]
) -> Iterator[None]:
    """Have a policy of a kind, such as `mutatingadmissionpolicy`, with its binding, once it is in force."""
    name = f"for-a-while-{uuid.uuid4().hex[:8]}"
    specs = {kind.removesuffix("y") + "ies": policy, f"{kind}bindings": {"policyName": name, **binding}}
    for plural, spec in specs.items():
        world.kube.create(f"{ADMISSION}/{plural}", {"metadata": {"name": name}, "spec": spec})
    try:
        eventually(is_in_force, "the policy is in force")
        yield
    finally:
        for plural in specs:
            world.kube.delete(f"{ADMISSION}/{plural}/{name}")
    eventually(lambda: not is_in_force(), "the policy is lifted")
