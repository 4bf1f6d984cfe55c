"""What names the workloads to restart, and what is refused."""

from typing import Any

import pytest
from pydantic import ValidationError

from mailtrap_operator.api.v1alpha1 import RestartTarget

BY_NAME = {"kind": "Deployment", "name": "billing"}
BY_LABELS = {"kind": "DaemonSet", "selector": {"matchLabels": {"example.com/team": "shop", "tier": ""}}}


@pytest.mark.parametrize("raw", [BY_NAME, BY_LABELS], ids=["by name", "by labels"])
def test_a_target_survives_the_way_through_json(raw: dict[str, Any]) -> None:
    target = RestartTarget.model_validate(raw)

    assert raw == target.model_dump(mode="json", by_alias=True, exclude_none=True)


@pytest.mark.parametrize(
    ("raw", "complaint"),
    [
        pytest.param({"name": "billing"}, "Field required", id="no kind"),
        pytest.param({**BY_NAME, "kind": "Job"}, "'Deployment', 'StatefulSet' or 'DaemonSet'", id="a Job"),
        pytest.param({"kind": "Deployment"}, "exactly one of name and selector", id="neither"),
        pytest.param({**BY_LABELS, "name": "billing"}, "exactly one of name and selector", id="both"),
        pytest.param({**BY_NAME, "name": "b" * 254}, "at most 253", id="a name that is too long"),
        pytest.param(
            {"kind": "Deployment", "selector": {}}, "Field required", id="a selector without labels"
        ),
        pytest.param(
            {"kind": "Deployment", "selector": {"matchLabels": {}}}, "at least 1 item", id="a selector of all"
        ),
        pytest.param(
            {"kind": "Deployment", "selector": {"matchLabels": {"team": "a,b"}}},
            "should match pattern",
            id="a value that is no label value",
        ),
        pytest.param(
            {"kind": "Deployment", "selector": {"matchLabels": {f"key-{n}": "x" for n in range(9)}}},
            "at most 8 items",
            id="too many labels",
        ),
    ],
)
def test_a_target_that_cannot_be_meant_is_refused(raw: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ValidationError, match=complaint):
        RestartTarget.model_validate(raw)
