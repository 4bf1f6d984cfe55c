"""Breaks of what is installed: the chart, its rights, and the definitions of the API."""

from tests.breaks.breaking import Break

_TEMPLATES = "charts/mailtrap-operator/templates"
_RULES = f"{_TEMPLATES}/_rules.tpl"
_API = "operator/mailtrap_operator/api"
_RIGHTS = ("tests/chart/test_rights.py",)

CHART = (
    Break(
        name="the container may raise its privileges",
        file=f"{_TEMPLATES}/_container.tpl",
        text="allowPrivilegeEscalation: false",
        replacement="allowPrivilegeEscalation: true",
        witnesses=("tests/chart/test_tenant.py",),
    ),
    Break(
        name="two run at once without leader election",
        file=f"{_TEMPLATES}/deployment.yaml",
        text="type: Recreate  # no two at once",
        replacement="type: RollingUpdate  # no two at once",
        witnesses=(
            "tests/chart/test_rendering.py::test_the_strategy_is_written_whole_so_that_helm_can_take_it_away",
        ),
    ),
    Break(
        name="the probes ask a port on which no one listens",
        file=f"{_TEMPLATES}/deployment.yaml",
        text="containerPort: 8080",
        replacement="containerPort: 8081",
        witnesses=(
            "tests/chart/test_rendering.py::test_the_probes_and_the_service_ask_the_port_that_the_operator_listens_on",
        ),
    ),
    Break(
        name="a Service's variables are taken for settings",
        file=f"{_TEMPLATES}/deployment.yaml",
        text="enableServiceLinks: false",
        replacement="enableServiceLinks: true",
        witnesses=(
            "tests/chart/test_rendering.py::test_the_variables_of_services_are_not_taken_for_settings",
        ),
    ),
    Break(
        name="a pod is killed before its running reconciles have ended",
        file=f"{_TEMPLATES}/deployment.yaml",
        text="terminationGracePeriodSeconds: 60",
        replacement="terminationGracePeriodSeconds: 10",
        witnesses=(
            "tests/chart/test_rendering.py::test_a_pod_that_hangs_is_given_less_time_to_end_than_one_that_drains",
        ),
    ),
    Break(
        name="a setting that is false is not passed on",
        file=f"{_TEMPLATES}/_container.tpl",
        text='{{- if not (kindIs "invalid" $value) }}',
        replacement="{{- if $value }}",
        witnesses=("tests/chart/test_environment.py::test_every_setting_arrives",),
    ),
    Break(
        name="the namespaces to watch are not passed on",
        file=f"{_TEMPLATES}/_container.tpl",
        text="- name: MAILTRAP_OPERATOR_WATCH_NAMESPACES\n",
        replacement="- name: MAILTRAP_OPERATOR_NAMESPACES\n",
        witnesses=("tests/chart/test_environment.py::test_the_namespaces_to_watch_arrive",),
    ),
    Break(
        name="the definitions, and with them all objects, go with the release",
        file=f"{_TEMPLATES}/crds.yaml",
        text="{{- if $.Values.crds.keep }}",
        replacement="{{- if not $.Values.crds.keep }}",
        witnesses=("tests/chart/test_rendering.py::test_the_crds_are_those_of_the_operator_and_are_kept",),
    ),
    Break(
        name="the network policy lets everything in",
        file=f"{_TEMPLATES}/networkpolicy.yaml",
        text="policyTypes: [Ingress, Egress]",
        replacement="policyTypes: [Egress]",
        witnesses=(
            "tests/chart/test_rendering.py::test_the_network_policy_admits_one_port_and_lets_out_to_dns_mailtrap_and_the_api_server",
        ),
    ),
    Break(
        name="the chart takes a settle time that the operator refuses",
        file=f"{_TEMPLATES}/_container.tpl",
        text="$timeout | int64 | mul 4)",
        replacement="$timeout | int64 | mul 3)",
        witnesses=("tests/chart/test_values.py::test_a_wrong_value_fails_with_a_message_that_names_the_key",),
    ),
    Break(
        name="every pod with the ServiceAccount gets its token unasked",
        file=f"{_TEMPLATES}/serviceaccount.yaml",
        text="automountServiceAccountToken: false",
        replacement="automountServiceAccountToken: true",
        witnesses=("tests/chart/test_tenant.py",),
    ),
)

RBAC = (
    Break(
        name="the operator may not delete Secrets",
        file=_RULES,
        text="create, update, patch, delete]",
        replacement="create, update, patch]",
        witnesses=_RIGHTS,
    ),
    Break(
        name="the operator may patch statuses instead of writing them",
        file=_RULES,
        text="verbs: [update]",
        replacement="verbs: [patch]",
        witnesses=_RIGHTS,
    ),
    Break(
        name="the operator may not read the Events that it counts",
        file=_RULES,
        text="verbs: [create, get, patch]",
        replacement="verbs: [create, patch]",
        witnesses=_RIGHTS,
    ),
    Break(
        name="the operator may not list workloads",
        file=_RULES,
        text="verbs: [get, list, patch]",
        replacement="verbs: [get, patch]",
        witnesses=_RIGHTS,
    ),
    Break(
        name="the operator may read Secrets everywhere although it is not to watch them",
        file=_RULES,
        text="{{ if .Values.watchSecrets }}list, watch, {{ end }}",
        replacement="list, watch, ",
        witnesses=_RIGHTS,
    ),
    Break(
        name="the operator may write each Lease of its namespace",
        file=f"{_TEMPLATES}/role-own.yaml",
        text="    resourceNames: [mailtrap-operator]\n",
        replacement="",
        witnesses=_RIGHTS,
    ),
    Break(
        name="an operator of some namespaces cannot read its identity",
        file=f"{_TEMPLATES}/role-own.yaml",
        text="and .Values.watchNamespaces (not .Values.settings.installation)",
        replacement="and .Values.watchNamespaces .Values.settings.installation",
        witnesses=_RIGHTS,
    ),
    Break(
        name="who edits may write the statuses",
        file=f"{_TEMPLATES}/clusterroles-users.yaml",
        text="resources: [apitokens{{ if",
        replacement="resources: [apitokens, apitokens/status{{ if",
        witnesses=_RIGHTS,
    ),
    Break(
        name="who edits may write the accounts that are left to administrators",
        file=f"{_TEMPLATES}/clusterroles-users.yaml",
        text="{{ if .Values.rbac.aggregateAccountsToEdit }}, mailtrapaccounts{{ end }}",
        replacement=", mailtrapaccounts",
        witnesses=_RIGHTS,
    ),
    Break(
        name="who views does not see the objects",
        file=f"{_TEMPLATES}/clusterroles-users.yaml",
        text='    rbac.authorization.k8s.io/aggregate-to-view: "true"\n',
        replacement="",
        witnesses=_RIGHTS,
    ),
    Break(
        name="the admission policy takes another account for the operator",
        file=f"{_TEMPLATES}/admissionpolicy.yaml",
        text='{{ include "mailtrap-operator.serviceAccountName" . }}',
        replacement='{{ include "mailtrap-operator.fullname" . }}',
        witnesses=("tests/chart/test_admissionpolicy.py",),
    ),
    Break(
        name="anyone may take the operator's finalizers away",
        file=f"{_TEMPLATES}/admissionpolicy.yaml",
        text="expression: variables.after == variables.before",
        replacement="expression: variables.after == variables.before || oldObject != null",
        witnesses=("tests/e2e/test_admissionpolicy.py",),
    ),
)

CRD = (
    Break(
        name="any writer of an object writes its status along",
        file=f"{_API}/manifests.py",
        text='"subresources": {"status": {}},\n',
        replacement='"subresources": {},\n',
        witnesses=("tests/unit/api/test_manifests.py",),
    ),
    Break(
        name="a MailtrapAccount belongs to no namespace",
        file=f"{_API}/manifests.py",
        text='short_name="mta",\n        scope="Namespaced"',
        replacement='short_name="mta",\n        scope="Cluster"',
        witnesses=("tests/unit/api/test_manifests.py",),
    ),
    Break(
        name="a new object without a status looks done",
        file=f"{_API}/manifests.py",
        text='{**structural_schema(kind.status), "default": {"observedGeneration": -1}}',
        replacement="structural_schema(kind.status)",
        witnesses=("tests/unit/api/test_manifests.py",),
    ),
    Break(
        name="a text of the spec has no bound",
        file=f"{_API}/apitoken.py",
        text="        None,\n        max_length=150,\n",
        replacement="        None,\n",
        witnesses=("tests/unit/api/test_schema.py",),
    ),
    Break(
        name="a list of the spec does not say how it merges",
        file=f"{_API}/apitoken.py",
        text='            "x-kubernetes-list-type": "atomic",\n',
        replacement="",
        witnesses=("tests/unit/api/test_schema.py",),
    ),
    Break(
        name="drift is reported by default, and not corrected",
        file=f"{_API}/apitoken.py",
        text='"Correct",\n        description',
        replacement='"Report",\n        description',
        witnesses=("tests/unit/api/test_v1alpha1.py",),
    ),
    Break(
        name="a lifetime may be longer than Mailtrap grants",
        file=f"{_API}/durations.py",
        text='Lifetime = Annotated[Duration, _Between("1m", "1825d", "90d")]',
        replacement='Lifetime = Annotated[Duration, _Between("1m", "1826d", "90d")]',
        witnesses=("tests/unit/api/test_durations.py",),
    ),
    Break(
        name="the account that an object stands for may be changed",
        file=f"{_API}/account.py",
        text='"self == oldSelf"',
        replacement='"self > 0"',
        witnesses=("tests/e2e/test_crds.py",),
    ),
    Break(
        name="a renewal may be due from the first moment on",
        file=f"{_API}/apitoken.py",
        text="""< {in_cel('self.expiration.after')}\"""",
        replacement="""<= {in_cel('self.expiration.after')}\"""",
        witnesses=("tests/e2e/test_crds.py",),
    ),
)
