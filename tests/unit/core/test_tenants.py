"""Which namespaces an account serves, and whose account objects count for whose tokens."""

from collections.abc import Mapping
from typing import Any

import pytest

from mailtrap_operator.api.v1alpha1 import AccountPolicy
from mailtrap_operator.core.keys import AccountKey
from mailtrap_operator.core.reasons import Reason
from mailtrap_operator.core.tenants import counts_for, not_found, serves

SHARED = AccountKey("ClusterMailtrapAccount", None, "default")
TEAMS = AccountKey("MailtrapAccount", "shop", "own")
BY_LABEL = {"allowedNamespaces": {"selector": {"matchLabels": {"mail": "yes"}}}}


@pytest.mark.parametrize(
    ("policy", "labels", "expected"),
    [
        pytest.param({}, None, False, id="without a rule only the operator's namespace"),
        pytest.param({"allowedNamespaces": {"names": ["shop"]}}, None, True, id="by its name"),
        pytest.param({"allowedNamespaces": {"names": ["Shop", "shopping"]}}, None, False, id="other names"),
        pytest.param({"allowedNamespaces": {"names": ["*"]}}, None, True, id="every namespace"),
        pytest.param(BY_LABEL, {"mail": "yes", "team": "shop"}, True, id="by its labels"),
        pytest.param(BY_LABEL, {"mail": "no"}, False, id="other labels"),
        pytest.param(BY_LABEL, {}, False, id="no labels"),
        pytest.param(BY_LABEL, None, None, id="labels that are not known"),
    ],
)
def test_a_namespace_is_served_by_its_name_or_by_its_labels(
    policy: Mapping[str, Any], labels: Mapping[str, str] | None, *, expected: bool | None
) -> None:
    assert expected is serves(AccountPolicy.model_validate(policy), "shop", "mailtrap-system", labels)


def test_the_operators_own_namespace_is_served_without_a_rule() -> None:
    assert serves(AccountPolicy(), "mailtrap-system", "mailtrap-system", None)


def test_a_mailtrap_account_counts_for_its_own_namespace_alone() -> None:
    namespaces = ("shop", "evil", None)

    assert [True, True, True] == [counts_for(SHARED, namespace) for namespace in namespaces]
    assert [True, False, False] == [counts_for(TEAMS, namespace) for namespace in namespaces]


def test_an_account_that_is_not_there_reads_like_one_that_does_not_serve_a_namespace() -> None:
    shared, teams = not_found(SHARED), not_found(TEAMS)

    assert Reason.ACCOUNT_NOT_FOUND is shared.reason
    assert "does not exist, or its policy does not serve this namespace" in shared.message
    assert "MailtrapAccount shop/own does not exist. Create it, or change spec.accountRef." == teams.message
