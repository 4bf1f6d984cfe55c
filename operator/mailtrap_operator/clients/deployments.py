"""The settings of an operator that is installed in the cluster, as its Deployment writes them.

Who may write a Deployment there is not known: what is read is judged like any other setting.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from mailtrap_operator.clients.kube import Body, KubeClient

_LABELS = "app.kubernetes.io/name=mailtrap-operator"
_CONTAINER = "operator"


@dataclass(frozen=True, slots=True)
class Deployed:
    """A Deployment's name, the arguments of its container, and its variables.

    A variable has no text where that stands in another object.
    """

    name: str
    arguments: tuple[str, ...]
    variables: dict[str, str | None]

    def settings(self, prefix: str) -> dict[str, str | None]:
        """Return what is set, by the names of fields; flags win, variables begin with `prefix`."""
        found = {
            name.removeprefix(prefix).lower(): text
            for name, text in self.variables.items()
            if name.startswith(prefix)
        }
        return found | dict(_flags(self.arguments))


async def operators_in(kube: KubeClient, namespace: str) -> tuple[Deployed, ...]:
    """Return the Deployments of operators in a namespace; raises a `Failure`."""
    path = f"/apis/apps/v1/namespaces/{namespace}/deployments"
    answer = await kube.get(path, {"labelSelector": _LABELS})
    return tuple(_deployed(body, namespace) for body in answer.get("items") or ())


def _deployed(body: Body, namespace: str) -> Deployed:
    containers: list[Body] = body["spec"]["template"]["spec"]["containers"]
    container = next((each for each in containers if each["name"] == _CONTAINER), containers[0])
    variables = {each["name"]: _text_of(each, namespace) for each in container.get("env") or ()}
    return Deployed(body["metadata"]["name"], tuple(container.get("args") or ()), variables)


def _text_of(variable: Body, namespace: str) -> str | None:
    if source := variable.get("valueFrom"):
        is_namespace = (source.get("fieldRef") or {}).get("fieldPath") == "metadata.namespace"
        return namespace if is_namespace else None
    return str(variable.get("value", ""))


def _flags(arguments: Sequence[str]) -> Iterator[tuple[str, str]]:
    following = [*arguments[1:], ""]
    for argument, text in zip(arguments, following, strict=True):
        if argument.startswith("--"):
            name, equals, written = argument[2:].partition("=")
            yield name.replace("-", "_"), written if equals else text
