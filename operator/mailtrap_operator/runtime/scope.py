"""What this operator looks at: which namespaces, and which kinds of objects it may list and watch there.

It is settled once, at the start; everything that lists or watches asks here.
"""

from dataclasses import dataclass

from mailtrap_operator.api.v1alpha1 import GROUP
from mailtrap_operator.clients.errors import Terminal
from mailtrap_operator.clients.kube import Body, KubeClient
from mailtrap_operator.core.reasons import Reason

_REVIEWS = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
_CLUSTER_ACCOUNTS = "clustermailtrapaccounts"


@dataclass(frozen=True, slots=True)
class Scope:
    """What is listed and watched.

    Empty `namespaces` stand for all. Secrets that are not watched are read by name. ClusterMailtrapAccounts that must not
    be read do not exist for this operator.
    """

    namespaces: tuple[str, ...] = ()
    watches_secrets: bool = True
    sees_cluster_accounts: bool = True


EVERYTHING = Scope()


async def find_scope(kube: KubeClient, namespaces: tuple[str, ...], *, watches_secrets: bool) -> Scope:
    """Ask the API server what is not set; raises a `Failure`.

    An operator that serves single namespaces may do without any right in the whole cluster; then it cannot know
    ClusterMailtrapAccounts, as they live in no namespace.
    """
    denied = [verb for verb in ("list", "watch") if not await _may(kube, verb)]
    if denied and not namespaces:
        raise Terminal(
            Reason.KUBERNETES_REFUSED,
            f"The operator serves all namespaces, but has no right to {' and '.join(denied)} {_CLUSTER_ACCOUNTS} of the group "
            f"{GROUP}. Grant it by a ClusterRole, or name the namespaces to serve (--watch-namespaces).",
        )
    return Scope(namespaces, watches_secrets, sees_cluster_accounts=not denied)


async def _may(kube: KubeClient, verb: str) -> bool:
    attributes = {"group": GROUP, "resource": _CLUSTER_ACCOUNTS, "verb": verb}
    review: Body = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectAccessReview",
        "spec": {"resourceAttributes": attributes},
    }
    answer = await kube.create(_REVIEWS, review)
    return bool(answer["status"]["allowed"])
