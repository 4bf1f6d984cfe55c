"""Which settings `plan` takes: those that were given to it, then those of the operator that is installed, then the defaults."""

from collections.abc import Callable

from pydantic import ValidationError

from mailtrap_operator.clients.deployments import operators_in
from mailtrap_operator.clients.errors import Failure, Terminal, visible
from mailtrap_operator.clients.kube import KubeClient
from mailtrap_operator.core.reasons import Reason
from mailtrap_operator.settings import OF_THE_DECISION, PREFIX, PreviewSettings, problems


async def as_installed(
    settings: PreviewSettings, kube: KubeClient, say: Callable[[str], None]
) -> PreviewSettings:
    """Return the settings to plan with; `say` gets one line that says where they come from.

    Raises:
        Terminal: The Deployment has a setting that no operator would start with.
    """
    namespace = settings.namespace
    try:
        found = await operators_in(kube, namespace)
    except Failure as failure:
        say(f"the Deployments of namespace {namespace} cannot be read, own settings count: {failure.message}")
        return settings
    if len(found) != 1:
        number = len(found) or "no"
        say(
            f"namespace {namespace} has {number} Deployments of the operator, own settings count. Name its namespace "
            "(--namespace), or give its settings."
        )
        return settings
    (deployed,) = found
    place = f"Deployment {namespace}/{deployed.name}"
    written = deployed.settings(PREFIX)
    names = sorted((OF_THE_DECISION & written.keys()) - settings.model_fields_set)
    texts = {name: text for name in names if (text := written[name]) is not None}
    try:
        combined = settings.over(texts)
    except ValidationError as error:
        wrong = "; ".join(problems(error))
        raise Terminal(Reason.SPEC_INVALID, f"{place} is set up wrongly: {visible(wrong)}") from None
    told = [f"{name.replace('_', '-')}={text}" for name, text in texts.items()]
    unread = [
        f"{name.replace('_', '-')} (not read: another object holds it)" for name in names if name not in texts
    ]
    say(f"settings of {place}: {visible(', '.join([*told, *unread]) or 'the defaults')}")
    return combined
