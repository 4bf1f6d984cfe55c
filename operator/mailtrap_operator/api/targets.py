"""The part of an ApiToken's spec that names the workloads which read its Secret."""

from collections.abc import Mapping
from typing import Literal, Self

from pydantic import ConfigDict, Field, model_validator

from mailtrap_operator.api.fields import LABEL_KEYS, LabelValue, Model, ObjectName, cel

WorkloadKind = Literal["Deployment", "StatefulSet", "DaemonSet"]


class LabelSelector(Model):
    """Which objects are meant, by their labels."""

    match_labels: Mapping[str, LabelValue] = Field(
        min_length=1,
        max_length=8,
        description="Labels that a workload itself has, all of them; those of its pods do not count.",
        json_schema_extra=cel(LABEL_KEYS),
    )


class RestartTarget(Model):
    """Workloads in the object's own namespace that read the Secret only when their pods start."""

    model_config = ConfigDict(
        json_schema_extra=cel(
            ("has(self.name) != has(self.selector)", "set exactly one of name and selector"),
        )
    )

    kind: WorkloadKind = Field(description="Kind of the workloads: Deployment, StatefulSet or DaemonSet.")
    name: ObjectName | None = Field(None, description="Name of one workload.")
    selector: LabelSelector | None = Field(
        None, description="Instead of a name: all workloads of the kind with these labels, 100 at most."
    )

    @model_validator(mode="after")
    def _name_or_selector(self) -> Self:
        if (self.name is None) == (self.selector is None):
            raise ValueError("set exactly one of name and selector")
        return self
