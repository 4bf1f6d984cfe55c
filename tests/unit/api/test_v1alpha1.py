from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from mailtrap_operator.api.names import MANAGED_BY_LABEL
from mailtrap_operator.api.v1alpha1 import (
    GROUP,
    Account,
    AccountPolicy,
    AccountRef,
    AccountSpec,
    ApiToken,
    ApiTokenSpec,
    ApiTokenStatus,
    BoundResource,
    Condition,
    CurrentToken,
    Expiration,
    OperationStatus,
    PreviousToken,
    Resource,
    Rotation,
    SecretKeyRef,
    print_time,
)

NOON = datetime(2030, 1, 31, 12, 0, tzinfo=UTC)
METADATA = {
    "name": "billing",
    "namespace": "shop",
    "uid": "6f1c",
    "resourceVersion": "42",
    "generation": 3,
    "creationTimestamp": "2030-01-31T12:00:00Z",
}
RESOURCE = {"type": "domain", "id": 3229, "accessLevel": "Admin"}
NAMED = {"type": "domain", "name": "example.com", "accessLevel": "Admin"}
EITHER = "give the id or the name of a resource, one of them and not both"


def test_the_shortest_spec_has_the_defaults_that_the_design_names() -> None:
    spec = ApiTokenSpec.model_validate({"resources": [RESOURCE]})

    assert AccountRef(kind="ClusterMailtrapAccount", name="default") == spec.account_ref
    assert spec.display_name is None
    assert (Resource(type="domain", id=3229, access_level="Admin"),) == spec.resources
    assert Expiration(policy="ServerDefault", after=None, at=None) == spec.expiration
    assert Rotation(strategy="Reset", overlap=timedelta(hours=12)) == spec.rotation
    assert spec.secret_name is None
    assert {"token": "${token}"} == spec.secret_template.data
    assert ("Owner", "Delete", False) == (spec.creation_policy, spec.deletion_policy, spec.suspend)
    assert "Correct" == spec.drift_policy


def test_a_full_spec_survives_the_way_through_json() -> None:
    raw: dict[str, Any] = {
        "accountRef": {"kind": "MailtrapAccount", "name": "eu"},
        "displayName": "billing mailer",
        "resources": [RESOURCE, {"type": "project", "id": "ab-1", "accessLevel": "Viewer"}, NAMED],
        "expiration": {"policy": "After", "after": "90d"},
        "rotation": {
            "policy": "Manual",
            "strategy": "Replace",
            "renewBefore": "30d",
            "every": "60d",
            "overlap": "1h30m",
            "maxOverlap": "1d",
            "windows": [{"schedule": "0 3 * * sun", "timezone": "Europe/Berlin", "duration": "4h"}],
            "outsideWindows": "Never",
        },
        "secretName": "billing-mailtrap",
        "secretTemplate": {
            "metadata": {"labels": {"team": "shop"}, "annotations": {"note": "made for mail"}},
            "data": {"MAILTRAP_API_TOKEN": "${token}"},
            "previousKey": "MAILTRAP_API_TOKEN_BEFORE",
        },
        "rolloutRestartTargets": [
            {"kind": "Deployment", "name": "billing"},
            {"kind": "DaemonSet", "selector": {"matchLabels": {"team": "shop"}}},
        ],
        "creationPolicy": "Orphan",
        "deletionPolicy": "Retain",
        "driftPolicy": "Report",
        "suspend": True,
    }

    assert raw == ApiTokenSpec.model_validate(raw).model_dump(mode="json", by_alias=True, exclude_none=True)


def test_an_account_is_read_with_its_defaults() -> None:
    account = Account.model_validate(
        {
            "kind": "ClusterMailtrapAccount",
            "metadata": {key: value for key, value in METADATA.items() if key != "namespace"},
            "spec": {"accountId": 3229, "credentialsSecretRef": {"name": "mailtrap-credentials"}},
        }
    )

    assert ("ClusterMailtrapAccount", None) == (account.kind, account.metadata.namespace)
    assert -1 == account.status.observed_generation
    assert (
        AccountSpec(
            account_id=3229,
            credentials_secret_ref=SecretKeyRef(name="mailtrap-credentials", key="token"),
            base_url="https://mailtrap.io",
            refresh_interval=timedelta(seconds=60),
        )
        == account.spec
    )
    assert AccountPolicy() == account.spec.policy


def test_a_full_policy_survives_the_way_through_json() -> None:
    raw: dict[str, Any] = {
        "allowedNamespaces": {"names": ["shop", "*"]},
        "maxAccessLevel": "Viewer",
        "allowedResources": [{"type": "domain"}, {"type": "project", "id": 7}],
        "maxLifetime": "90d",
        "requireExpiration": True,
        "maxTokensPerNamespace": 3,
    }
    by_labels = {"allowedNamespaces": {"selector": {"matchLabels": {"mail": "yes"}}}}

    for policy in (raw, raw | by_labels):
        read = AccountPolicy.model_validate(policy)
        assert policy == read.model_dump(mode="json", by_alias=True, exclude_unset=True)


def test_fields_of_a_later_version_are_ignored() -> None:
    spec = ApiTokenSpec.model_validate({"resources": [{**RESOURCE, "color": "red"}], "color": "red"})
    assert ApiTokenSpec(resources=(Resource(type="domain", id=3229, access_level="Admin"),)) == spec


def test_a_number_and_a_text_of_digits_stay_two_different_resource_ids() -> None:
    ids = [Resource.model_validate({**RESOURCE, "id": value}).id for value in (3229, "3229")]
    assert [int, str] == [type(value) for value in ids]


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        pytest.param({"resources": []}, "at least 1 item", id="no resource"),
        pytest.param(
            {"resources": [{**RESOURCE, "id": 0}]}, "greater than or equal to 1", id="resource id 0"
        ),
        pytest.param({"resources": [{**RESOURCE, "id": True}]}, "valid integer", id="resource id true"),
        pytest.param({"resources": [{**RESOURCE, "name": "a"}]}, EITHER, id="resource by id and by name"),
        pytest.param({"resources": [{**RESOURCE, "id": None}]}, EITHER, id="resource by neither"),
        pytest.param({"resources": [{**NAMED, "name": ""}]}, "at least 1 character", id="name empty"),
        pytest.param({"resources": [{**NAMED, "name": "n" * 256}]}, "at most 255", id="name too long"),
        pytest.param({"resources": [{**RESOURCE, "accessLevel": "Root"}]}, "'Admin' or 'Viewer'", id="level"),
        pytest.param({"expiration": {"after": 5}}, "a duration must be a text", id="duration as number"),
        pytest.param({"expiration": {"after": "5w"}}, "'5w' is not a duration", id="duration in weeks"),
        pytest.param({"expiration": {"at": "2030-01-31T12:00:00"}}, "timezone", id="time without zone"),
        pytest.param({"expiration": {"at": 1896091200}}, "RFC 3339 text", id="time as number"),
        pytest.param(
            {"expiration": {"at": "9999-12-31T23:59:59-12:00"}},
            "between the years 1 and 9999 in UTC",
            id="time in the year 10000",
        ),
    ],
)
def test_a_spec_that_cannot_be_meant_is_refused(change: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ValidationError, match=complaint):
        ApiTokenSpec.model_validate({"resources": [RESOURCE], **change})


@pytest.mark.parametrize(
    "written",
    [
        pytest.param("2030-01-31T12:00:00Z", id="UTC"),
        pytest.param("2030-01-31T12:00:00.999999Z", id="parts of a second go"),
        pytest.param("2030-01-31T14:00:00+02:00", id="another zone"),
        pytest.param(datetime(2030, 1, 31, 10, 0, tzinfo=timezone(timedelta(hours=-2))), id="a value"),
    ],
)
def test_every_time_is_held_and_printed_as_utc_with_whole_seconds(written: object) -> None:
    status = ApiTokenStatus.model_validate({"renewalTime": written})
    assert NOON == status.renewal_time
    assert "2030-01-31T12:00:00Z" == status.model_dump(mode="json", by_alias=True)["renewalTime"]


def test_a_time_that_is_no_field_is_printed_alike() -> None:
    assert "2030-01-31T12:00:00Z" == print_time(NOON.replace(microsecond=5))


def full_status() -> ApiTokenStatus:
    account = AccountRef(kind="MailtrapAccount", name="eu")
    return ApiTokenStatus(
        observed_generation=3,
        conditions=(
            Condition(
                type="Ready",
                status="True",
                observed_generation=3,
                last_transition_time=NOON,
                reason="TokenIssued",
                message="The Secret holds a working token.",
            ),
        ),
        operation=OperationStatus(
            type="Reset", nonce="abcdefgh", base=7, started_at=NOON, holder="pod-1", account=account
        ),
        current=CurrentToken(
            id=7,
            last_four="beef",
            expires_at=NOON,
            issued_at=NOON,
            access_digest="a1",
            expiration_digest="e1",
            account=account,
        ),
        previous=(
            PreviousToken(id=6, last_four="cafe", delete_after=NOON, reason="Rotated", account=account),
        ),
        resources=(BoundResource(type="domain", name="example.com", id=7, account_id=3229),),
        secret_name="billing",
        renewal_time=NOON,
    )


def test_a_status_survives_the_way_through_json() -> None:
    status = full_status()
    dump = status.model_dump(mode="json", by_alias=True, exclude_none=True)

    assert status == ApiTokenStatus.model_validate(dump)
    assert "2030-01-31T12:00:00Z" == dump["operation"]["startedAt"]
    assert {"kind": "MailtrapAccount", "name": "eu"} == dump["current"]["account"]
    assert "expiresAt" not in dump["previous"][0]


def test_a_message_too_long_for_the_schema_is_cut_and_says_so() -> None:
    condition = Condition.model_validate(
        {**full_status().conditions[0].model_dump(by_alias=True), "message": "x" * 5000}
    )
    assert "x" * 2047 + "…" == condition.message


def test_an_object_with_a_damaged_status_is_read_all_the_same() -> None:
    body = {"metadata": METADATA, "spec": {"resources": [RESOURCE]}, "status": {"operation": 5}}
    assert ApiTokenStatus() == ApiToken.model_validate(body).status


@pytest.mark.parametrize(
    ("damage", "names"),
    [
        ({"rotation": {"overlap": "soon"}}, ("rotation",)),
        ({"expiration": {"policy": "At", "at": "9999-12-31T23:59:59-12:00"}}, ("expiration",)),
        ({"deletionPolicy": "Later", "suspend": 5}, ("deletionPolicy", "suspend")),
        ({"secretTemplate": {"data": {"token": "no value"}}}, ("secretTemplate",)),
        ({"secretTemplate": {"metadata": {"labels": {MANAGED_BY_LABEL: "me"}}}}, ("secretTemplate",)),
        ({"secretTemplate": {"metadata": {"annotations": {f"{GROUP}/nonce": "x"}}}}, ("secretTemplate",)),
        ({"accountRef": 5}, ("accountRef",)),
    ],
)
def test_a_field_of_the_spec_that_cannot_be_read_is_named_and_has_its_default(
    damage: dict[str, Any], names: tuple[str, ...]
) -> None:
    sound = {"resources": [RESOURCE], "secretName": "mine"}
    read = ApiToken.model_validate({"metadata": METADATA, "spec": sound | damage})

    assert names == tuple(read.unreadable)
    assert ApiToken.model_validate({"metadata": METADATA, "spec": sound}).spec == read.spec


@pytest.mark.parametrize("resources", [[], None, "all", [{"type": "domain"}]], ids=str)
def test_resources_that_cannot_be_read_are_none(resources: object) -> None:
    spec = {"resources": resources, "secretName": "mine"}
    read = ApiToken.model_validate({"metadata": METADATA, "spec": spec})

    assert (["resources"], (), "mine") == (
        list(read.unreadable),
        read.spec.resources,
        read.spec.secret_name,
    )


@pytest.mark.parametrize("wrong", [{**RESOURCE, "name": "a"}, {**RESOURCE, "id": None}], ids=str)
def test_a_resource_by_both_or_by_neither_is_reported(wrong: dict[str, Any]) -> None:
    read = ApiToken.model_validate({"metadata": METADATA, "spec": {"resources": [RESOURCE, wrong]}})

    assert {"resources": f"spec.resources[1]: {EITHER}"} == read.unreadable
    assert () == read.spec.resources


A_WINDOW = {"schedule": "0 3 * * sun", "duration": "1h"}


@pytest.mark.parametrize(
    ("damage", "expected"),
    [
        pytest.param(
            {
                "rotation": {
                    "windows": [
                        {"schedule": "0 25 * * sunday", "timezone": "Europe/Belin", "duration": "1h"},
                        A_WINDOW,
                        {**A_WINDOW, "schedule": "0 3 31 2 *"},
                        {**A_WINDOW, "schedule": "daily"},
                    ]
                }
            },
            {
                "rotation": "spec.rotation.windows[0].schedule: '0 25 * * sunday' is not a cron schedule: hour must be 0-23, "
                "not '25' and day of the week must be sun, mon … sat or 0-6, not 'sunday'; "
                "spec.rotation.windows[0].timezone: 'Europe/Belin' is not a time zone, such as UTC or Europe/Berlin; "
                "spec.rotation.windows[2].schedule: '0 3 31 2 *' is not a cron schedule: no such day comes in these "
                "months; spec.rotation.windows[3].schedule: 'daily' is not a cron schedule of five fields, such as "
                "'0 3 * * sun'"
            },
            id="windows",
        ),
        pytest.param(
            {"resources": [{**RESOURCE, "id": -1}, {**RESOURCE, "accessLevel": "Owner"}]},
            {
                "resources": "spec.resources[0].id: Input should be greater than or equal to 1; "
                "spec.resources[1].accessLevel: Input should be 'Admin' or 'Viewer'"
            },
            id="an id is either a number or a text: it is reported once",
        ),
    ],
)
def test_all_that_is_wrong_is_told_at_once(damage: dict[str, Any], expected: dict[str, str]) -> None:
    spec = {"resources": [RESOURCE], **damage}

    assert expected == ApiToken.model_validate({"metadata": METADATA, "spec": spec}).unreadable


@pytest.mark.parametrize("spec", [None, "text", []], ids=str)
def test_no_spec_at_all_lacks_its_resources(spec: object) -> None:
    assert ["resources"] == list(ApiToken.model_validate({"metadata": METADATA, "spec": spec}).unreadable)


def test_an_object_without_a_status_has_seen_no_generation() -> None:
    body = {"metadata": METADATA, "spec": {"resources": [RESOURCE]}}
    assert -1 == ApiToken.model_validate(body).status.observed_generation


def test_models_are_values_that_no_one_changes() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        AccountRef().name = "other"  # type: ignore[misc]  # the point of the test
    assert 1 == len({AccountRef(), AccountRef()})
    assert 1 == len({full_status(), full_status()})


@settings(deadline=None)
@given(st.datetimes(min_value=datetime(1000, 1, 2), timezones=st.timezones()))  # noqa: DTZ001 - hypothesis adds the zone
def test_any_time_equals_itself_after_the_way_through_json(moment: datetime) -> None:
    status = ApiTokenStatus(renewal_time=moment)
    assert status == ApiTokenStatus.model_validate_json(status.model_dump_json(by_alias=True))
