"""Describes the owner of a Secret that is not this object's, and what to do, by its marks and references.

Anyone who may write Secrets may write marks: they are told, and prove something only where their digest fits the namespace.
"""

from mailtrap_operator.api.names import HAND_OVER_ANNOTATION
from mailtrap_operator.core.observation import OwnerReference, SecretState
from mailtrap_operator.core.observed_state import ObservedState
from mailtrap_operator.core.redaction import without_tokens

_MOST_NAMED = 3
_ELSEWHERE = "Choose another spec.secretName."


def describe_owner(s: ObservedState, secret: SecretState) -> str:  # noqa: PLR0911 - one for each owner
    """Return whose a Secret is, and what to do, as sentences."""
    meta, made_for, neighbour = s.api_token.metadata, secret.made_for, s.seen.neighbour
    others = tuple(owner for owner in secret.owners if owner.uid != meta.uid)
    if neighbour is not None and neighbour.moves:
        return (
            f"It holds the token of ApiToken {neighbour.name}, which is to move to Secret {neighbour.secret_name}: when that "
            "is done, this ApiToken continues by itself."
        )
    if neighbour is not None and neighbour.secret_name != secret.name:
        return (
            f"It has the marks of ApiToken {neighbour.name}, whose own Secret is {neighbour.secret_name}: it is a copy. "
            f"{_ELSEWHERE[:-1]}, or delete the Secret when no one uses its value."
        )
    if neighbour is not None:
        return f"It holds the token of ApiToken {neighbour.name}. {_ELSEWHERE}"
    if made_for is not None and made_for.uid:
        former_owner = (
            "a former ApiToken of this name" if made_for.name == meta.name else f"ApiToken {made_for.name}"
        )
        taken = f", and belongs to {_in_words(others)} by now" if others else ""
        return (
            f"It was left behind by {former_owner}, which is gone{taken}. {_ELSEWHERE[:-1]}, or delete the Secret when no one "
            "uses its value."
        )
    if made_for is not None:
        return (
            f"Its marks name an ApiToken {without_tokens(made_for.name)} and do not prove that it is one of this namespace: it "
            f"was copied from another one, or edited. {_ELSEWHERE[:-1]}, or delete the Secret when no one uses its value."
        )
    if others:
        return f"It belongs to {_in_words(others)}, as its ownerReferences say. {_ELSEWHERE}"
    if secret.owners:
        return (
            "It refers to this ApiToken as its owner, but lacks the operator's marks (annotations): someone edited it. Delete "
            "it, and a new value is published."
        )
    may_be_handed_over = f" Or let it be overwritten: annotate it with {HAND_OVER_ANNOTATION}: {meta.name}."
    advice = "" if secret.owner else may_be_handed_over
    return f"It does not say whose it is. {_ELSEWHERE[:-1]}, or delete that Secret.{advice}"


def _in_words(owners: tuple[OwnerReference, ...]) -> str:
    named = [without_tokens(f"{owner.kind} {owner.name}") for owner in owners[:_MOST_NAMED]]
    return " and ".join(named)
