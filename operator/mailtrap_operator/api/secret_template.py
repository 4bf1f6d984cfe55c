"""The part of an ApiToken's spec that says what the Secret looks like."""

from collections.abc import Mapping
from typing import Annotated, Self

from pydantic import AfterValidator, ConfigDict, Field, model_validator

from mailtrap_operator.api.fields import LABEL_KEYS, LabelValue, Model, SecretKey, cel
from mailtrap_operator.api.names import GROUP, MANAGED_BY_LABEL

_TOOLS = (
    r"^(argocd\\.argoproj\\.io|([a-z]+\\.)*fluxcd\\.io|(meta\\.)?helm\\.sh|kubectl\\.kubernetes\\.io|applyset\\.kubernetes\\.io)/"
    r"|^app\\.kubernetes\\.io/instance$"
)
_METADATA_RULES = (
    LABEL_KEYS,
    (
        f"self.all(key, !key.startsWith('{GROUP}/') && key != '{MANAGED_BY_LABEL}')",
        f"keys under {GROUP}/ and {MANAGED_BY_LABEL} belong to the operator; remove them",
    ),
    (
        f"self.all(key, !key.matches('{_TOOLS}'))",
        "keys by which Argo CD, Flux, Helm and kubectl know their own objects would have them delete the Secret; remove them",
    ),
)
_LONGEST_TOGETHER = 32_768


def _at_most_together(what: str) -> tuple[str, str]:
    return (
        f"self.map(key, self[key].size()).sum() <= {_LONGEST_TOGETHER}",
        f"{what} may have {_LONGEST_TOGETHER} characters together; make them shorter",
    )


AnnotationValue = Annotated[str, Field(max_length=4096)]
PLACEHOLDERS = (
    "${token}",
    "${tokenId}",
    "${accountId}",
    "${expiresAt}",
    "${smtpUser}",
    "${smtpHost}",
    "${smtpPort}",
    "${bulkSmtpHost}",
    "${bulkSmtpPort}",
)
_REMOVED = [f".replace('{placeholder}', '')" for placeholder in PLACEHOLDERS]
Template = Annotated[
    str,
    Field(
        max_length=4096,
        json_schema_extra=cel(
            (
                f"!self{''.join(_REMOVED)}.contains('${{')",
                f"the only placeholders are {', '.join(PLACEHOLDERS)}; remove every other '${{'",
            )
        ),
    ),
]


def _none_of_ours(marks: Mapping[str, str]) -> Mapping[str, str]:
    if any(name.startswith(f"{GROUP}/") or name == MANAGED_BY_LABEL for name in marks):
        message = "some belong to the operator"
        raise ValueError(message)
    return marks


class TemplateMetadata(Model):
    """Labels and annotations that the Secret has."""

    labels: Annotated[Mapping[str, LabelValue], AfterValidator(_none_of_ours)] = Field(
        {}, max_length=32, description="Labels of the Secret.", json_schema_extra=cel(*_METADATA_RULES)
    )
    annotations: Annotated[Mapping[str, AnnotationValue], AfterValidator(_none_of_ours)] = Field(
        {},
        max_length=32,
        description="Annotations of the Secret.",
        json_schema_extra=cel(*_METADATA_RULES, _at_most_together("values of annotations")),
    )


def _with_token(data: Mapping[str, str]) -> Mapping[str, str]:
    if not any("${token}" in text for text in data.values()):
        message = "no value contains ${token}"
        raise ValueError(message)
    return data


class SecretTemplate(Model):
    """What the Secret looks like."""

    model_config = ConfigDict(
        json_schema_extra=cel(
            (
                "!has(self.previousKey) || !(self.previousKey in self.data)",
                "previousKey must be a key of its own: data has one of that name",
            )
        )
    )

    metadata: TemplateMetadata = Field(
        TemplateMetadata(), description="Labels and annotations that the Secret has."
    )
    data: Annotated[Mapping[str, Template], AfterValidator(_with_token)] = Field(
        {"token": "${token}"},
        min_length=1,
        max_length=32,
        description="Keys and values of the Secret; ${token} stands for the token's value, other placeholders for what "
        "belongs to it: ${tokenId}, ${accountId}, ${expiresAt}, ${smtpUser}, ${smtpHost}, ${smtpPort}, "
        "${bulkSmtpHost}, ${bulkSmtpPort}. Default: token: ${token}.",
        json_schema_extra=cel(
            (
                "self.all(key, key.matches('^[-._a-zA-Z0-9]{1,253}$') && key != '.' && !key.startsWith('..'))",
                "keys must be Secret keys: 1 to 253 letters, digits, '-', '_' and '.'; not '.', and none that begins with '..'",
            ),
            (
                "self.exists(key, self[key].contains('${token}'))",
                "at least one value must contain ${token}, else the Secret holds no token",
            ),
            _at_most_together("values of data"),
        ),
    )
    previous_key: SecretKey | None = Field(
        None,
        description="A further key of the Secret that holds the former value for as long as it works after a rotation.",
    )

    @model_validator(mode="after")
    def _keys_differ(self) -> Self:
        if self.previous_key in self.data:
            message = f"previousKey {self.previous_key} is a key of data, too"
            raise ValueError(message)
        return self
