"""The CRDs on a real API server: what it accepts, refuses, fills in and shows.

Longer than other files, because its tables are the specification of what users may write.
"""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from local_cluster import Cluster, KubectlError
from mailtrap_operator.api.secret_template import PLACEHOLDERS
from mailtrap_operator.api.v1alpha1 import (
    VERSION,
    AccountRef,
    AccountSpec,
    ApiTokenSpec,
    ApiTokenStatus,
    BoundResource,
    Condition,
    CurrentToken,
    OperationStatus,
    PreviousToken,
)
from tests.e2e.world import eventually

Json = dict[str, Any]

CRDS_FOLDER = Path(__file__).parents[2] / "crds"
RESOURCE = {"type": "domain", "id": 3229, "accessLevel": "Admin"}
NAMED = {"type": "domain", "name": "example.com", "accessLevel": "Admin"}
ACCOUNT = {"accountId": 3229, "credentialsSecretRef": {"name": "mailtrap-credentials"}}
NOON = datetime(2030, 1, 31, 12, 0, tzinfo=UTC)
ACCOUNT_KINDS = pytest.mark.parametrize("kind", ["MailtrapAccount", "ClusterMailtrapAccount"])


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with Cluster.start(tmp_path_factory.mktemp("cluster") / "files") as cluster:
        cluster.kubectl("create", "namespace", "shop")
        apply_crds(cluster)
        yield cluster


def apply_crds(cluster: Cluster) -> None:
    cluster.kubectl("apply", "--server-side", "--warnings-as-errors", f"--filename={CRDS_FOLDER}")
    cluster.kubectl("wait", "--for=condition=Established", "crd", "--all", "--timeout=600s")


def manifest(kind: str, name: str, spec: Json) -> str:
    metadata = {"name": name} if kind.startswith("Cluster") else {"name": name, "namespace": "shop"}
    return json.dumps(
        {"apiVersion": "mailtrap-operator.io/v1alpha1", "kind": kind, "metadata": metadata, "spec": spec}
    )


def answer(cluster: Cluster, *args: str, body: str | None = None) -> Json:
    return dict(json.loads(cluster.kubectl(*args, "--namespace=shop", "--output=json", input=body)))


def create(cluster: Cluster, kind: str, name: str, spec: Json) -> Json:
    """Create an object for good and return it as the API server then shows it."""
    answer(cluster, "create", "--filename=-", body=manifest(kind, name, spec))
    return answer(cluster, "get", kind, name)


def try_out(cluster: Cluster, kind: str, spec: Json) -> Json:
    """Let the API server check and complete an object without storing it; return its spec."""
    body = manifest(kind, "tried", spec)
    return dict(answer(cluster, "create", "--dry-run=server", "--filename=-", body=body)["spec"])


def token(**spec: Any) -> Json:
    return {"resources": [RESOURCE], **spec}


def after(duration: str) -> Json:
    return token(expiration={"policy": "After", "after": duration})


def template(**parts: Any) -> Json:
    return token(secretTemplate=parts)


LONGEST_DATA = {"token": f"${{token}}{'x' * 4088}"} | {str(number): "x" * 4096 for number in range(7)}


def window(**parts: str) -> Json:
    return token(rotation={"windows": [{"schedule": "0 3 * * *", "duration": "1h", **parts}]})


def targets(**parts: Any) -> Json:
    return token(rolloutRestartTargets=[{"kind": "Deployment", **parts}])


def policy(**rules: Any) -> Json:
    return ACCOUNT | {"policy": rules}


def labels(**labels: str) -> Json:
    return template(metadata={"labels": labels})


DURATION = "must be a duration from 1m to 1825d in days, hours, minutes and seconds, such as 90d"
OBJECT_NAME = "must be a Kubernetes object name such as billing-mailtrap"
ONE_LINE = "must be one line that neither begins nor ends with a blank"
UNSEEN = "must not contain characters that are not seen: control and format characters"
NOT_SEEN = (
    *(
        0x09,
        0x7F,
        0x9F,
        0xAD,
        0x34F,
        0x61C,
        0x115F,
        0x1160,
        0x17B4,
        0x17B5,
        0x180B,
        0x180E,
        0x180F,
        0x200B,
        0x200D,
    ),
    *(
        0x200F,
        0x202A,
        0x202E,
        0x2060,
        0x2066,
        0x2069,
        0x2800,
        0x3164,
        0xE000,
        0xF8FF,
        0xFE00,
        0xFE0F,
        0xFEFF,
        0xFFA0,
    ),
    *(0xFFF9, 0xE0001, 0xE0020, 0xE007F, 0xE0100, 0xE01EF, 0xF0000, 0x10FFFD),
)
ID_OR_NAME = "give the id or the name of a resource, one of them and not both"
RESERVED = "keys under mailtrap-operator.io/ and app.kubernetes.io/managed-by belong to the operator"
TOOLS = "keys by which Argo CD, Flux, Helm and kubectl know their own objects"
SCHEDULE = "must be a cron schedule of five fields, one blank between them, such as '0 3 * * sun'"
LABEL_KEY = "keys must be label keys such as team or example.com/team"
DATE = "must be a date from 2020 to 2099, such as 2030-01-31T12:00:00Z"
BASE_URL = "must be scheme, host and optional port alone, such as https://mailtrap.io"

REFUSED_TOKENS: dict[str, tuple[Json, str]] = {
    "no resources field": ({}, "spec.resources: Required value"),
    "no resource": (token(resources=[]), "spec.resources in body should have at least 1 items"),
    "resource without level": (token(resources=[{"type": "domain", "id": 1}]), "accessLevel: Required value"),
    "resource id 0": (token(resources=[RESOURCE | {"id": 0}]), "greater than or equal to 1"),
    "resource id empty": (token(resources=[RESOURCE | {"id": ""}]), "at least 1 chars long"),
    "resource id true": (token(resources=[RESOURCE | {"id": True}]), "must be of type integer,string"),
    "resource type with a blank": (token(resources=[RESOURCE | {"type": "a b"}]), "spec.resources[0].type"),
    "resource type empty": (token(resources=[RESOURCE | {"type": ""}]), "spec.resources[0].type"),
    "unknown level": (token(resources=[RESOURCE | {"accessLevel": "Root"}]), '"Admin", "Viewer"'),
    "resource twice": (
        token(resources=[RESOURCE, RESOURCE | {"accessLevel": "Viewer"}]),
        "each resource may be listed once: remove the second entry of the same type and id",
    ),
    "resource twice by name": (
        token(resources=[NAMED, NAMED | {"accessLevel": "Viewer"}]),
        "remove the second entry of the same type and id, or type and name",
    ),
    "resource by id and by name": (token(resources=[RESOURCE | {"name": "example.com"}]), ID_OR_NAME),
    "resource by neither": (token(resources=[{"type": "domain", "accessLevel": "Admin"}]), ID_OR_NAME),
    "resource name empty": (token(resources=[NAMED | {"name": ""}]), "at least 1 chars long"),
    "resource name too long": (token(resources=[NAMED | {"name": "n" * 256}]), "may not be more than 255"),
    "resource name of two lines": (token(resources=[NAMED | {"name": "a\nb"}]), ONE_LINE),
    "resource name with blanks around": (token(resources=[NAMED | {"name": " a"}]), ONE_LINE),
    "resource name that turns the writing": (token(resources=[NAMED | {"name": "a\u202eb"}]), UNSEEN),
    "resource name with a filler": (token(resources=[NAMED | {"name": "\u3164"}]), UNSEEN),
    "resource name no text": (token(resources=[NAMED | {"name": 7}]), "must be of type string"),
    "resource twice, once as text": (
        token(resources=[RESOURCE, RESOURCE | {"id": "3229"}]),
        "each resource may be listed once",
    ),
    "too many resources": (
        token(resources=[RESOURCE | {"id": number} for number in range(1, 102)]),
        "must have at most 100 items",
    ),
    "account kind unknown": (
        token(accountRef={"kind": "Bank"}),
        '"MailtrapAccount", "ClusterMailtrapAccount"',
    ),
    "account name no object name": (token(accountRef={"name": "My_Account"}), OBJECT_NAME),
    "account of another namespace": (
        token(accountRef={"namespace": "other"}),
        'unknown field "spec.accountRef.namespace"',
    ),
    "display name with our tag": (token(displayName="a [k8s:b"), "must not contain '[k8s:'"),
    "display name of two lines": (token(displayName="a\nb"), ONE_LINE),
    "display name with a carriage return": (token(displayName="a\rb"), ONE_LINE),
    "display name with a line separator": (token(displayName="a\u2028b"), ONE_LINE),
    "display name with blanks around": (token(displayName=" a "), ONE_LINE),
    "display name empty": (token(displayName=""), ONE_LINE),
    **{
        f"display name with U+{character:04X}": (token(displayName=f"a{chr(character)}b"), UNSEEN)
        for character in NOT_SEEN
    },
    "display name that ends unseen": (token(displayName="a\u200b"), UNSEEN),
    "display name too long": (token(displayName="a" * 151), "may not be more than 150"),
    "policy After alone": (token(expiration={"policy": "After"}), "policy After needs 'after'"),
    "after without its policy": (token(expiration={"after": "1h"}), "no other policy takes it"),
    "after with policy Never": (
        token(expiration={"policy": "Never", "after": "1h"}),
        "policy After needs 'after', and no other policy takes it",
    ),
    "policy At alone": (token(expiration={"policy": "At"}), "policy At needs 'at'"),
    "at without its policy": (token(expiration={"at": "2030-01-31T12:00:00Z"}), "no other policy takes it"),
    "unknown policy": (token(expiration={"policy": "Soon"}), '"ServerDefault", "Never", "After", "At"'),
    "at is no date": (token(expiration={"policy": "At", "at": "soon"}), "must be of type date-time"),
    "at without zone": (
        token(expiration={"policy": "At", "at": "2030-01-31T12:00:00"}),
        "must be of type date-time",
    ),
    "at long ago": (token(expiration={"policy": "At", "at": "0000-01-01T00:00:00Z"}), DATE),
    "at never": (token(expiration={"policy": "At", "at": "9999-12-31T23:59:59-12:00"}), DATE),
    "after in weeks": (after("5w"), DURATION),
    "after in days that are no number": (after("xd"), DURATION),
    "after with hours before days": (after("12h1d"), DURATION),
    "after with days twice": (after("1d1d"), DURATION),
    "after with part of a day": (after("1.5d"), DURATION),
    "after with a fraction": (after("1.5h"), DURATION),
    "after negative": (after("-1h"), DURATION),
    "after empty": (after(""), DURATION),
    "after too short": (after("59s"), DURATION),
    "after longer than five years": (after("43800h1s"), DURATION),
    "after longer than five years by a day": (after("1826d"), DURATION),
    "after longer than five years by a second": (after("1825d1s"), DURATION),
    "after of no days": (after("0d"), DURATION),
    "after beyond what can be counted": (after("9999d999999h9999999m999999999s"), DURATION),
    "renewBefore twice": (
        token(rotation={"renewBefore": "1h", "renewBeforePercentage": 10}),
        "set renewBefore or renewBeforePercentage, not both",
    ),
    "renewBefore in weeks": (token(rotation={"renewBefore": "4w"}), DURATION),
    "renewBefore zero": (token(rotation={"renewBefore": "0s"}), DURATION),
    "renewBefore as long as after": (
        after("60m") | {"rotation": {"renewBefore": "1h"}},
        "rotation.renewBefore must be shorter than expiration.after",
    ),
    "renewBefore as long as after, in other units": (
        after("2160h") | {"rotation": {"renewBefore": "90d"}},
        "rotation.renewBefore must be shorter than expiration.after",
    ),
    "renewBefore longer than after by an hour": (
        after("1d") | {"rotation": {"renewBefore": "1d1h"}},
        "rotation.renewBefore must be shorter than expiration.after",
    ),
    "renewBefore of a token that never expires": (
        token(expiration={"policy": "Never"}, rotation={"renewBefore": "720h"}),
        "a token with expiration.policy Never is never due for renewal: remove rotation.renewBefore",
    ),
    "a percentage of a lifetime without end": (
        token(expiration={"policy": "Never"}, rotation={"renewBeforePercentage": 25}),
        "or set another expiration or rotation.every",
    ),
    "percentage 0": (token(rotation={"renewBeforePercentage": 0}), "greater than or equal to 1"),
    "percentage 100": (token(rotation={"renewBeforePercentage": 100}), "less than or equal to 99"),
    "overlap too long": (token(rotation={"overlap": "721h"}), "must be a duration from 0s to 30d"),
    "an overlap of a day for a reset": (
        token(rotation={"overlap": "1d"}),
        "with strategy Reset, Mailtrap ends a replaced token after 12 hours: set rotation.strategy to Replace",
    ),
    "an overlap longer than the longest one, in other units": (
        token(rotation={"strategy": "Replace", "overlap": "3d1h", "maxOverlap": "72h"}),
        "rotation.maxOverlap must not be shorter than rotation.overlap",
    ),
    "an overlap that no reset has": (
        token(rotation={"overlap": "43201s"}),
        "with strategy Reset, Mailtrap ends a replaced token after 12 hours: set rotation.strategy to Replace",
    ),
    "unknown strategy": (token(rotation={"strategy": "Swap"}), '"Reset", "Replace"'),
    "secret name no object name": (token(secretName="Billing"), OBJECT_NAME),
    "secret name empty": (token(secretName=""), OBJECT_NAME),
    "secret name with a dot too many": (token(secretName="a..b"), OBJECT_NAME),
    "secret name too long": (token(secretName="a" * 254), "may not be more than 253"),
    "data without the token": (
        template(data={"a": "token"}),
        "at least one value must contain ${token}, else the Secret holds no token",
    ),
    "data empty": (template(data={}), "should have at least 1 properties"),
    "data with a placeholder around one": (template(data={"a": "${to${token}ken}"}), "the only placeholder"),
    "data key with a blank": (template(data={"a b": "${token}"}), "keys must be Secret keys"),
    "data key of two dots": (template(data={"..x": "${token}"}), "keys must be Secret keys"),
    "data key of one dot": (template(data={".": "${token}"}), "keys must be Secret keys"),
    "data key too long": (template(data={"a" * 254: "${token}"}), "keys must be Secret keys"),
    "data with too many keys": (
        template(data={f"k{number}": "${token}" for number in range(33)}),
        "must have at most 32",
    ),
    "a placeholder that there is not": (
        template(data={"token": "${token} ${tokenID}"}),
        "the only placeholders are ${token}, ${tokenId}, ${accountId}",
    ),
    **{
        f"label {key}": (labels(**{key: "x"}), TOOLS)
        for key in (
            "argocd.argoproj.io/instance",
            "app.kubernetes.io/instance",
            "kustomize.toolkit.fluxcd.io/name",
            "helm.toolkit.fluxcd.io/name",
            "helm.sh/chart",
            "applyset.kubernetes.io/part-of",
        )
    },
    **{
        f"annotation {key}": (template(metadata={"annotations": {key: "x"}}), TOOLS)
        for key in ("kubectl.kubernetes.io/last-applied-configuration", "meta.helm.sh/release-name")
    },
    "a period shorter than an hour": (token(rotation={"every": "59m"}), "from 1h to 1825d"),
    "a hard limit below the overlap": (
        token(rotation={"overlap": "24h", "maxOverlap": "12h"}),
        "rotation.maxOverlap must not be shorter than rotation.overlap",
    ),
    "a hard limit below the default overlap": (
        token(rotation={"maxOverlap": "11h"}),
        "rotation.maxOverlap must not be shorter than rotation.overlap",
    ),
    "a hard limit too long": (token(rotation={"maxOverlap": "2161h"}), "from 1h to 90d"),
    "the former value under a key of the data": (
        template(data={"a": "${token}"}, previousKey="a"),
        "previousKey must be a key of its own",
    ),
    "the former value under the default key": (
        template(previousKey="token"),
        "previousKey must be a key of its own",
    ),
    "the former value under no Secret key": (template(previousKey="a b"), "must be a Secret key"),
    "a target by name and labels": (
        targets(name="billing", selector={"matchLabels": {"team": "shop"}}),
        "set exactly one of name and selector",
    ),
    "a target without name and labels": (targets(), "set exactly one of name and selector"),
    "a target without labels": (targets(selector={"matchLabels": {}}), "at least 1"),
    "a target with a label key with a blank": (targets(selector={"matchLabels": {"a b": "c"}}), LABEL_KEY),
    "a target of another kind": (
        token(rolloutRestartTargets=[{"kind": "CronJob", "name": "a"}]),
        '"Deployment", "StatefulSet", "DaemonSet"',
    ),
    "a schedule of six fields": (window(schedule="0 0 3 * * 0"), SCHEDULE),
    "a schedule by name": (window(schedule="@daily"), SCHEDULE),
    "a time zone with a blank": (window(timezone="Europe Berlin"), "timezone"),
    "a window without its length": (
        token(rotation={"windows": [{"schedule": "0 3 * * *"}]}),
        "duration: Required value",
    ),
    "a window of no length": (window(duration="0s"), "from 1m to 7d"),
    "unknown rotation policy": (token(rotation={"policy": "Never"}), '"Automatic", "Manual"'),
    "unknown drift policy": (token(driftPolicy="Ignore"), '"Correct", "Report"'),
    "label of ours": (labels(**{"app.kubernetes.io/managed-by": "me"}), RESERVED),
    "label under our group": (labels(**{"mailtrap-operator.io/owner": "me"}), RESERVED),
    "label key with a blank": (labels(**{"my team": "shop"}), LABEL_KEY),
    "label key too long": (labels(**{"a" * 64: "shop"}), LABEL_KEY),
    "label value with a blank": (labels(team="my shop"), "spec.secretTemplate.metadata.labels.team"),
    "annotation under our group": (
        template(metadata={"annotations": {"mailtrap-operator.io/nonce": "x"}}),
        RESERVED,
    ),
    "annotations too long together": (
        template(metadata={"annotations": {f"example.com/{number}": "x" * 4096 for number in range(9)}}),
        "values of annotations may have 32768 characters together",
    ),
    "data too long together": (
        template(data=LONGEST_DATA | {"more": "x"}),
        "values of data may have 32768 characters together",
    ),
    "unknown creation policy": (token(creationPolicy="Merge"), '"Owner", "Orphan"'),
    "unknown deletion policy": (token(deletionPolicy="Keep"), '"Delete", "Retain"'),
    "suspend as text": (token(suspend="yes"), "must be of type boolean"),
    "a misspelt field": (token(secretNam="a"), 'unknown field "spec.secretNam"'),
}

ACCEPTED_TOKENS: dict[str, Json] = {
    "the least": token(),
    "everything": token(
        accountRef={"kind": "MailtrapAccount", "name": "eu.main"},
        displayName="billing mailer – ünïcode (eu) [prod]",
        expiration={"policy": "After", "after": "2160h"},
        rotation={
            "policy": "Manual",
            "strategy": "Replace",
            "renewBefore": "720h",
            "every": "1440h",
            "overlap": "1h30m",
            "windows": [{"schedule": "0 3 * * sun", "timezone": "Europe/Berlin", "duration": "4h"}],
            "outsideWindows": "Never",
            "maxOverlap": "2160h",
        },
        rolloutRestartTargets=[
            {"kind": "Deployment", "name": "billing"},
            {"kind": "StatefulSet", "selector": {"matchLabels": {"example.com/uses": "billing"}}},
        ],
        driftPolicy="Report",
        secretName="billing-mailtrap",
        secretTemplate={
            "metadata": {
                "labels": {"team": "shop", "example.com/tier": "", "mailtrap-operator.io.example.com/x": "y"},
                "annotations": {"example.com/note": "any text\nat all: ${user}"},
            },
            "data": {"MAILTRAP_API_TOKEN": "${token}", ".env": "A=${token}\nB=$HOME$\n", "user": "api"},
            "previousKey": "MAILTRAP_API_TOKEN_BEFORE",
        },
        creationPolicy="Orphan",
        deletionPolicy="Retain",
        suspend=True,
    ),
    "the longest data and annotations": template(
        data=LONGEST_DATA,
        metadata={"annotations": {f"example.com/{number}": "ß" * 4096 for number in range(8)}},
    ),
    "many resources": token(resources=[RESOURCE | {"id": number} for number in range(1, 101)]),
    "one id under two types": token(resources=[RESOURCE, RESOURCE | {"type": "sandbox"}]),
    "resources by name": token(resources=[RESOURCE, NAMED, NAMED | {"type": "project"}]),
    "many resources of long names": token(
        resources=[NAMED | {"name": f"{number:03}{'ß' * 252}"} for number in range(100)]
    ),
    "a name that looks like an id": token(resources=[RESOURCE, NAMED | {"name": "3229"}]),
    "resource id as text": token(
        resources=[RESOURCE | {"id": "ab-1", "type": "email_campaign_permission_scope"}]
    ),
    "the largest resource id": token(resources=[RESOURCE | {"id": 2**63 - 1}]),
    "never": token(expiration={"policy": "Never"}),
    "at": token(expiration={"policy": "At", "at": "2030-01-31T14:00:00.123456789+02:00"}),
    "the shortest lifetime": after("1m"),
    "the longest lifetime": after("43800h"),
    "the longest lifetime in days": after("1825d"),
    "a lifetime in days and hours": after("1d12h"),
    "a lifetime in all units": after("0089d23h59m60s"),
    "renewal a day before the end": after("90d") | {"rotation": {"renewBefore": "89d23h"}},
    "overlaps in days": token(rotation={"strategy": "Replace", "overlap": "3d", "maxOverlap": "72h"}),
    "a window of a week": window(duration="7d"),
    "a lifetime in seconds": after("157680000s"),
    "renewal just after the issue": after("1h") | {"rotation": {"renewBefore": "59m59s"}},
    "renewBefore without after": token(rotation={"renewBefore": "43800h"}),
    "renewBefore of a token that is rotated by age": token(
        expiration={"policy": "Never"}, rotation={"renewBefore": "720h", "every": "1440h"}
    ),
    "windows of a token that never expires": token(
        expiration={"policy": "Never"},
        rotation={"windows": [{"schedule": "0 3 * * sun", "duration": "4h"}]},
    ),
    "the least percentage": token(rotation={"renewBeforePercentage": 1}),
    "the greatest percentage": token(rotation={"renewBeforePercentage": 99}),
    "no overlap": token(rotation={"overlap": "0s"}),
    "the longest overlap": token(rotation={"strategy": "Replace", "overlap": "720h"}),
    "the longest overlap of a reset": token(rotation={"overlap": "720m"}),
    "the longest names": token(displayName="a" * 150, secretName="a" * 253),
    "a display name of many scripts": token(displayName="Ünïcode ‒ 日本語 עברית العربية ភាសា 🚀 é"),
    "a resource name of many scripts": token(resources=[NAMED | {"name": "日本語 עברית 🚀"}]),
    "a display name of one letter": token(displayName="ß"),
    "every placeholder": template(data={"all": " ".join(PLACEHOLDERS)}),
    "a label that looks like a tool's": labels(**{"example.com/helm.sh": "x", "app.kubernetes.io/name": "x"}),
    "labels alone": labels(team="shop"),
    "the most data": template(data={f"k{number}": "${token}" + "x" * 1016 for number in range(32)}),
}

ALLOWED_NAMESPACES: dict[str, Json] = {
    "one": {"names": ["shop"]},
    "all": {"names": ["*"]},
    "many": {"names": [f"{number}-{'a' * 50}" for number in range(256)]},
    "labels": {"selector": {"matchLabels": {"team": "shop", "example.com/mail": ""}}},
}

REFUSED_NAMESPACES: dict[str, tuple[Json, str]] = {
    "nothing": ({}, "set either names or selector, and not both"),
    "both": (
        {"names": ["shop"], "selector": {"matchLabels": {"team": "shop"}}},
        "set either names or selector, and not both",
    ),
    "no name": ({"names": []}, "should have at least 1 items"),
    "a pattern": ({"names": ["shop-*"]}, "must be the name of a namespace, such as shop, or '*' for every"),
    "a name in capitals": ({"names": ["Shop"]}, "must be the name of a namespace"),
    "an empty name": ({"names": [""]}, "must be the name of a namespace"),
    "no label": ({"selector": {"matchLabels": {}}}, "should have at least 1 properties"),
    "no labels at all": ({"selector": {}}, "matchLabels: Required value"),
    "a label key with a blank": ({"selector": {"matchLabels": {"a b": "c"}}}, LABEL_KEY),
    "a label value with a blank": ({"selector": {"matchLabels": {"a": "b c"}}}, "matchLabels.a"),
}

REFUSED_ACCOUNTS: dict[str, tuple[Json, str]] = {
    "no account id": ({"credentialsSecretRef": {"name": "a"}}, "spec.accountId: Required value"),
    "account id 0": (ACCOUNT | {"accountId": 0}, "greater than or equal to 1"),
    "account id as text": (ACCOUNT | {"accountId": "3229"}, "must be of type integer"),
    "no credential": ({"accountId": 3229}, "spec.credentialsSecretRef: Required value"),
    "credential without name": (
        ACCOUNT | {"credentialsSecretRef": {}},
        "credentialsSecretRef.name: Required",
    ),
    "credential name no object name": (ACCOUNT | {"credentialsSecretRef": {"name": "A"}}, OBJECT_NAME),
    "credential key with a slash": (
        ACCOUNT | {"credentialsSecretRef": {"name": "a", "key": "a/b"}},
        "must be a Secret key: letters, digits, '-', '_' and '.'",
    ),
    "url with a slash at the end": (ACCOUNT | {"baseUrl": "https://mailtrap.io/"}, BASE_URL),
    "url with a path": (ACCOUNT | {"baseUrl": "https://mailtrap.io/api"}, BASE_URL),
    "url with a user": (ACCOUNT | {"baseUrl": "https://me:pw@mailtrap.io"}, BASE_URL),
    "url with a query": (ACCOUNT | {"baseUrl": "https://mailtrap.io?a=b"}, BASE_URL),
    "url without scheme": (ACCOUNT | {"baseUrl": "mailtrap.io"}, BASE_URL),
    "url of another scheme": (ACCOUNT | {"baseUrl": "ftp://mailtrap.io"}, BASE_URL),
    "url of two lines": (ACCOUNT | {"baseUrl": "https://mailtrap.io\n"}, BASE_URL),
    "url empty": (ACCOUNT | {"baseUrl": ""}, BASE_URL),
    "interval too short": (ACCOUNT | {"refreshInterval": "9s"}, "must be a duration from 10s to 1h"),
    "interval too long": (ACCOUNT | {"refreshInterval": "61m"}, "must be a duration from 10s to 1h"),
    "interval without unit": (ACCOUNT | {"refreshInterval": "60"}, "must be a duration from 10s to 1h"),
    "access level unknown": (policy(maxAccessLevel="Root"), '"Admin", "Viewer"'),
    "no allowed resource": (policy(allowedResources=[]), "should have at least 1 items"),
    "an allowed resource without type": (policy(allowedResources=[{"id": 7}]), "type: Required value"),
    "an allowed resource of a type with a blank": (
        policy(allowedResources=[{"type": "a b"}]),
        "spec.policy.allowedResources[0].type",
    ),
    "an allowed resource with id 0": (
        policy(allowedResources=[{"type": "domain", "id": 0}]),
        "greater than or equal to 1",
    ),
    "a longest lifetime in weeks": (policy(maxLifetime="13w"), DURATION),
    "a longest lifetime of nothing": (policy(maxLifetime="0s"), DURATION),
    "no token at all": (policy(maxTokensPerNamespace=0), "greater than or equal to 1"),
    "an overlap longer than any": (policy(maxOverlap="2161h"), "must be a duration from 0s to 90d"),
    "an overlap longer than any, in days": (policy(maxOverlap="91d"), "must be a duration from 0s to 90d"),
    "no deletion policy": (policy(deletionPolicies=[]), "should have at least 1 items"),
    "a deletion policy unknown": (policy(deletionPolicies=["Keep"]), '"Delete", "Retain"'),
    "too many deletion policies": (policy(deletionPolicies=["Delete"] * 3), "must have at most 2 items"),
    "too many tokens": (policy(maxTokensPerNamespace=100001), "less than or equal to 100000"),
    "orphan policy unknown": (ACCOUNT | {"orphanPolicy": "Keep"}, '"Report", "Delete"'),
}

ACCEPTED_ACCOUNTS: dict[str, Json] = {
    "the least": ACCOUNT,
    "the whole policy": policy(
        maxAccessLevel="Viewer",
        allowedResources=[{"type": "domain"}, {"type": "project", "id": 7}, {"type": "sandbox", "id": "a"}],
        maxLifetime="1825d",
        requireExpiration=True,
        maxTokensPerNamespace=1,
        maxOverlap="0s",
        deletionPolicies=["Delete", "Retain"],
    ),
    "everything": {
        "accountId": 2**63 - 1,
        "credentialsSecretRef": {"name": "mailtrap.credentials", "key": "API_TOKEN.txt"},
        "baseUrl": "http://127.0.0.1:8025",
        "refreshInterval": "10s",
        "orphanPolicy": "Delete",
    },
    "a host on IPv6": ACCOUNT | {"baseUrl": "https://[::1]:8443", "refreshInterval": "1h"},
}


@pytest.mark.parametrize(("spec", "message"), REFUSED_TOKENS.values(), ids=REFUSED_TOKENS)
def test_an_api_token_that_cannot_be_meant_is_refused(cluster: Cluster, spec: Json, message: str) -> None:
    with pytest.raises(KubectlError) as refusal:
        try_out(cluster, "ApiToken", spec)
    assert message in str(refusal.value)


@pytest.mark.parametrize("spec", ACCEPTED_TOKENS.values(), ids=ACCEPTED_TOKENS)
def test_an_accepted_api_token_means_the_same_to_server_and_operator(cluster: Cluster, spec: Json) -> None:
    served = ApiTokenSpec.model_validate(try_out(cluster, "ApiToken", spec))
    assert ApiTokenSpec.model_validate(spec) == served


@ACCOUNT_KINDS
@pytest.mark.parametrize(("spec", "message"), REFUSED_ACCOUNTS.values(), ids=REFUSED_ACCOUNTS)
def test_an_account_that_cannot_be_meant_is_refused(
    cluster: Cluster, kind: str, spec: Json, message: str
) -> None:
    with pytest.raises(KubectlError) as refusal:
        try_out(cluster, kind, spec)
    assert message in str(refusal.value)


@ACCOUNT_KINDS
@pytest.mark.parametrize("spec", ACCEPTED_ACCOUNTS.values(), ids=ACCEPTED_ACCOUNTS)
def test_an_accepted_account_means_the_same_to_server_and_operator(
    cluster: Cluster, kind: str, spec: Json
) -> None:
    served = AccountSpec.model_validate(try_out(cluster, kind, spec))
    assert AccountSpec.model_validate(spec) == served


@pytest.mark.parametrize("allowed", ALLOWED_NAMESPACES.values(), ids=ALLOWED_NAMESPACES)
def test_a_cluster_wide_account_says_which_namespaces_it_serves(cluster: Cluster, allowed: Json) -> None:
    spec = policy(allowedNamespaces=allowed)
    served = AccountSpec.model_validate(try_out(cluster, "ClusterMailtrapAccount", spec))
    assert AccountSpec.model_validate(spec) == served

    with pytest.raises(KubectlError, match="a MailtrapAccount serves its own namespace alone"):
        try_out(cluster, "MailtrapAccount", spec)


@pytest.mark.parametrize(("allowed", "message"), REFUSED_NAMESPACES.values(), ids=REFUSED_NAMESPACES)
def test_namespaces_that_cannot_be_meant_are_refused(cluster: Cluster, allowed: Json, message: str) -> None:
    with pytest.raises(KubectlError) as refusal:
        try_out(cluster, "ClusterMailtrapAccount", policy(allowedNamespaces=allowed))
    assert message in str(refusal.value)


def test_defaults_are_filled_in_for_all_to_see(cluster: Cluster) -> None:
    assert {
        "accountRef": {"kind": "ClusterMailtrapAccount", "name": "default"},
        "resources": [RESOURCE],
        "expiration": {"policy": "ServerDefault"},
        "rotation": {
            "policy": "Automatic",
            "strategy": "Reset",
            "overlap": "12h",
            "outsideWindows": "BeforeExpiry",
        },
        "creationPolicy": "Owner",
        "deletionPolicy": "Delete",
        "driftPolicy": "Correct",
        "suspend": False,
    } == try_out(cluster, "ApiToken", token())
    assert {
        "accountId": 3229,
        "credentialsSecretRef": {"name": "mailtrap-credentials", "key": "token"},
        "baseUrl": "https://mailtrap.io",
        "refreshInterval": "1m",
        "policy": {"requireExpiration": False},
        "orphanPolicy": "Report",
    } == try_out(cluster, "MailtrapAccount", ACCOUNT)


@pytest.mark.parametrize(
    ("kind", "spec"),
    [("ApiToken", token()), ("MailtrapAccount", ACCOUNT), ("ClusterMailtrapAccount", ACCOUNT)],
)
def test_a_new_object_says_that_no_one_has_seen_it(cluster: Cluster, kind: str, spec: Json) -> None:
    assert {"observedGeneration": -1} == create(cluster, kind, "new", spec)["status"]


FROM_BEFORE: dict[str, Json] = {
    "renewal": token(expiration={"policy": "Never"}, rotation={"renewBefore": "720h"}),
    "overlap": token(rotation={"overlap": "72h"}),
}
"""Specs that were stored before there were the rules that refuse them."""


def test_a_spec_from_before_a_rule_keeps_no_one_from_writing_the_rest_or_deleting(cluster: Cluster) -> None:
    crd = yaml.safe_load((CRDS_FOLDER / "apitokens.yaml").read_text())
    spec = crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]
    rules = [spec.pop("x-kubernetes-validations")]
    rules.append(spec["properties"]["rotation"].pop("x-kubernetes-validations"))
    assert all(rules)
    cluster.kubectl("apply", "--server-side", "--filename=-", input=json.dumps(crd))
    for name, from_before in FROM_BEFORE.items():
        eventually_created(cluster, f"before-{name}", from_before)
    apply_crds(cluster)
    for name, from_before in FROM_BEFORE.items():
        eventually_refused(cluster, from_before)
        target = ("ApiToken", f"before-{name}", "--type=merge")
        store_status(cluster, f"before-{name}", FULL)
        for finalizers in (["example.com/holds"], []):
            patch = json.dumps({"metadata": {"finalizers": finalizers, "labels": {"team": "shop"}}})
            answer(cluster, "patch", *target, f"--patch={patch}")
        cluster.kubectl("delete", "ApiToken", f"before-{name}", "--namespace=shop", "--timeout=600s")


def eventually_created(cluster: Cluster, name: str, spec: Json) -> None:
    """Create what the rules refuse, as soon as the API server has learned that they are gone."""
    eventually(lambda: accepts(cluster, spec), "the rules are gone")
    create(cluster, "ApiToken", name, spec)


def eventually_refused(cluster: Cluster, spec: Json) -> None:
    """Wait until the API server has learned of the rules."""
    eventually(lambda: not accepts(cluster, spec), "the rules are back")


def accepts(cluster: Cluster, spec: Json) -> bool:
    try:
        try_out(cluster, "ApiToken", spec)
    except KubectlError:
        return False
    return True


def test_unknown_fields_are_not_stored(cluster: Cluster) -> None:
    body = manifest("ApiToken", "pruned", token(unknown=1, rotation={"unknown": {"a": 1}}))
    created = answer(cluster, "create", "--validate=ignore", "--filename=-", body=body)
    assert "unknown" not in json.dumps(created["spec"])


@ACCOUNT_KINDS
def test_an_account_id_never_changes(cluster: Cluster, kind: str) -> None:
    create(cluster, kind, "fixed", ACCOUNT)
    with pytest.raises(KubectlError, match="accountId cannot be changed; create another account object"):
        answer(cluster, "patch", kind, "fixed", "--type=merge", '--patch={"spec": {"accountId": 1}}')
    answer(cluster, "patch", kind, "fixed", "--type=merge", '--patch={"spec": {"refreshInterval": "5m"}}')


def test_applying_the_definitions_again_changes_nothing(cluster: Cluster) -> None:
    before = answer(cluster, "get", "crd")
    apply_crds(cluster)
    assert before == answer(cluster, "get", "crd")


def test_the_definitions_are_sound_in_the_servers_eyes(cluster: Cluster) -> None:
    for crd in answer(cluster, "get", "crd")["items"]:
        conditions = {condition["type"]: condition["status"] for condition in crd["status"]["conditions"]}
        assert {"Established": "True", "NamesAccepted": "True"} == conditions
        assert VERSION in crd["status"]["storedVersions"]


def condition(**changes: Any) -> Condition:
    return Condition(
        **{
            "type": "Ready",
            "status": "True",
            "observed_generation": 3,
            "last_transition_time": NOON,
            "reason": "TokenIssued",
            "message": "The Secret holds a working token.",
            **changes,
        }
    )


def previous(number: int, **changes: Any) -> PreviousToken:
    return PreviousToken(
        **{
            "id": number,
            "last_four": "cafe",
            "delete_after": NOON,
            "reason": "Rotated",
            "account": AccountRef(),
            **changes,
        }
    )


CURRENT = CurrentToken(
    id=7,
    last_four="beef",
    expires_at=NOON,
    issued_at=NOON - timedelta(days=90),
    access_digest="a" * 64,
    expiration_digest="e" * 64,
    account=AccountRef(),
    reset_refused=True,
)
OPERATION = OperationStatus(
    type="Reset", nonce="abcdefgh", base=7, started_at=NOON, holder="pod-1", account=AccountRef()
)
FULL = ApiTokenStatus(
    observed_generation=3,
    conditions=(condition(), condition(type="Reconciling", status="Unknown", message="")),
    operation=OPERATION,
    current=CURRENT,
    previous=(previous(6, expires_at=NOON), previous(5)),
    resources=(BoundResource(type="domain", name="example.com", id="ab-1", account_id=3229),),
    secret_name="billing",
    token_id=7,
    last_four="beef",
    expires_at=NOON,
    expires="2030-01-31T12:00:00Z",
    last_rotation=NOON,
    renewal_time=NOON,
)
STATUSES: dict[str, ApiTokenStatus] = {
    "the default": ApiTokenStatus(),
    "full": FULL,
    "create without base": FULL.model_copy(
        update={"operation": OPERATION.model_copy(update={"type": "Create", "base": None})}
    ),
    "a token that never expires": FULL.model_copy(
        update={"current": CURRENT.model_copy(update={"expires_at": None, "reset_refused": False})}
    ),
    "as large as can be": ApiTokenStatus(
        observed_generation=2**62,
        conditions=tuple(condition(type=f"Type{number}", message="ü" * 5000) for number in range(16)),
        operation=OPERATION.model_copy(update={"nonce": "n" * 32, "holder": "h" * 253}),
        current=CURRENT.model_copy(update={"id": 2**63 - 1, "last_four": "x" * 16}),
        previous=tuple(previous(number, account=AccountRef(name="a" * 253)) for number in range(1, 257)),
        resources=tuple(
            BoundResource(type="t" * 64, name="ü" * 255, id=number, account_id=2**63 - 1)
            for number in range(1, 101)
        ),
        secret_name="a" * 253,
    ),
}


def store_status(cluster: Cluster, name: str, status: ApiTokenStatus) -> Json:
    dump = status.model_dump(mode="json", by_alias=True, exclude_none=True)
    patch = json.dumps([{"op": "add", "path": "/status", "value": dump}])
    target = ("ApiToken", name, "--subresource=status", "--type=json")
    answer(cluster, "patch", *target, "--patch-file=/dev/stdin", body=patch)
    assert dump == answer(cluster, "get", "ApiToken", name)["status"]
    return dump


def test_every_status_is_stored_as_it_was_written(cluster: Cluster) -> None:
    create(cluster, "ApiToken", "status", token())
    for name, status in STATUSES.items():
        assert status == ApiTokenStatus.model_validate(store_status(cluster, "status", status)), name


def test_a_status_with_one_id_twice_is_refused(cluster: Cluster) -> None:
    create(cluster, "ApiToken", "twice", token())
    with pytest.raises(KubectlError, match="Duplicate value"):
        store_status(cluster, "twice", ApiTokenStatus(previous=(previous(6), previous(6))))


def test_kubectl_shows_the_columns_of_a_token_and_its_dates_to_come(cluster: Cluster) -> None:
    create(cluster, "ApiToken", "shown", token())
    store_status(cluster, "shown", FULL)

    header, row = cluster.kubectl("get", "mtat", "shown", "--namespace=shop").splitlines()
    assert ["NAME", "READY", "REASON", "SECRET", "EXPIRES", "RENEWAL", "AGE"] == header.split()
    date = "2030-01-31T12:00:00Z"
    assert ["shown", "True", "TokenIssued", "billing", date, date] == row.split()[:-1]

    header, row = cluster.kubectl("get", "mtat", "shown", "--namespace=shop", "--output=wide").splitlines()
    assert ["ACCOUNT", "TOKEN-ID", "LAST-ROTATION"] == header.split()[-3:]
    assert ["default", "7"] == row.split()[-3:-1]


@pytest.mark.parametrize("expires", ["never", None], ids=["a token that never expires", "none yet"])
def test_kubectl_tells_a_token_that_never_expires_from_none(cluster: Cluster, expires: str | None) -> None:
    name = f"expires-{expires}".lower()
    create(cluster, "ApiToken", name, token())
    store_status(cluster, name, FULL.model_copy(update={"expires_at": None, "expires": expires}))

    row = cluster.kubectl("get", "mtat", name, "--namespace=shop", "--no-headers").split()
    shown = [expires] if expires else []
    assert [name, "True", "TokenIssued", "billing", *shown, "2030-01-31T12:00:00Z"] == row[:-1]


@pytest.mark.parametrize(
    ("short_name", "kind", "scope"),
    [
        ("mta", "MailtrapAccount", ("--namespace=shop",)),
        ("cmta", "ClusterMailtrapAccount", ()),
    ],
)
def test_kubectl_shows_the_columns_of_an_account(
    cluster: Cluster, short_name: str, kind: str, scope: tuple[str, ...]
) -> None:
    create(cluster, kind, "shown", ACCOUNT)
    conditions = [condition().model_dump(mode="json", by_alias=True)]
    credential = {"tokenId": 7, "lastFour": "beef", "expiresAt": "2030-01-31T12:00:00Z"}
    status = {"observedGeneration": 1, "conditions": conditions, "credential": credential}
    patch = json.dumps({"status": status})
    answer(cluster, "patch", kind, "shown", "--subresource=status", "--type=merge", f"--patch={patch}")

    header, row = cluster.kubectl("get", short_name, "shown", *scope).splitlines()
    assert ["NAME", "READY", "REASON", "ACCOUNT", "CREDENTIAL-EXPIRES", "AGE"] == header.split()
    assert ["shown", "True", "TokenIssued", "3229", "2030-01-31T12:00:00Z"] == row.split()[:-1]


def test_one_category_lists_all_kinds(cluster: Cluster) -> None:
    create(cluster, "ApiToken", "listed", token())
    create(cluster, "MailtrapAccount", "listed", ACCOUNT)
    create(cluster, "ClusterMailtrapAccount", "listed", ACCOUNT)
    names = set(cluster.kubectl("get", "mailtrap", "--namespace=shop", "--output=name").split())
    assert {
        "apitoken.mailtrap-operator.io/listed",
        "mailtrapaccount.mailtrap-operator.io/listed",
        "clustermailtrapaccount.mailtrap-operator.io/listed",
    } <= names
