"""Breaks of what repairs the cases that users of comparable systems have met, a tuple for each case."""

from tests.breaks.breaking import Break

_PACKAGE = "operator/mailtrap_operator"
_CORE, _CLIENTS, _RUNTIME = f"{_PACKAGE}/core", f"{_PACKAGE}/clients", f"{_PACKAGE}/runtime"

FIELD_CASES = {
    "writes that a policy changes": (
        Break(
            name="a write that was changed at admission is repeated at once",
            file=f"{_RUNTIME}/reverts.py",
            text="pause = _pause(times, _LAST_PAUSE)",
            replacement="pause = timedelta()",
            witnesses=("tests/unit/runtime/test_reverts.py",),
        ),
        Break(
            name="what the API server stored is not compared with what was written",
            file=f"{_CLIENTS}/secret_client.py",
            text="changed_at_admission=named(changes))",
            replacement='changed_at_admission="")',
            witnesses=("tests/unit/clients/test_secret_refusals.py",),
        ),
        Break(
            name="a restart whose mark does not last is made again and again",
            file=f"{_CORE}/consumers.py",
            text="and _is_behind(s, w, token) and not _is_held_back(s, w, token)",
            replacement="and _is_behind(s, w, token)",
            witnesses=("tests/unit/core/test_reverts.py",),
        ),
    ),
    "proxies": (
        Break(
            name="calls to the cluster's own API server go through the proxy",
            file=f"{_CLIENTS}/cluster_access.py",
            text='{"trust_env": False}',
            replacement='{"trust_env": True}',
            witnesses=(
                "tests/unit/clients/test_cluster_access.py",
                "tests/unit/clients/test_proxied_calls.py",
            ),
        ),
        Break(
            name="a network in NO_PROXY does not count",
            file=f"{_CLIENTS}/proxies.py",
            text="address is not None and address in network",
            replacement="False",
            witnesses=("tests/unit/clients/test_proxies.py",),
        ),
        Break(
            name="a credential passes a proxy in clear",
            file=f"{_CLIENTS}/proxies.py",
            text='if parts.scheme != "https" or is_local or',
            replacement="if is_local or",
            witnesses=("tests/unit/clients/test_proxies.py",),
        ),
    ),
    "IPv6": (
        Break(
            name="the health pages have no IPv6 address",
            file=f"{_RUNTIME}/health.py",
            text='create(("::", port), family=socket.AF_INET6, dualstack_ipv6=True)',
            replacement='create(("0.0.0.0", port))',
            witnesses=("tests/unit/runtime/test_health.py",),
        ),
        Break(
            name="the health pages do not start without IPv6",
            file=f"{_RUNTIME}/health.py",
            text='if getattr(error, "errno", None) == errno.EADDRINUSE:\n            raise',
            replacement="raise",
            witnesses=("tests/unit/runtime/test_health.py",),
        ),
    ),
    "two installations over one namespace": (
        Break(
            name="it is said again and again that another installation serves the object",
            file=f"{_CORE}/installations.py",
            text="return s.seen.unanswered_for >= PAUSE",
            replacement="return True",
            witnesses=("tests/unit/core/test_installations.py",),
        ),
        Break(
            name="an object that another installation serves is served all the same",
            file=f"{_CORE}/installations.py",
            text="return _mismatch_of_secret(seen) or mismatch_of_status(seen)",
            replacement="return None",
            witnesses=("tests/unit/core/test_installations.py",),
        ),
    ),
    "a Secret that was left behind": (
        Break(
            name="a token whose value a Secret holds is an orphan",
            file=f"{_PACKAGE}/account_observe.py",
            text="self._cache.claims(token) or orphans.is_held(token, held())",
            replacement="self._cache.claims(token)",
            witnesses=("tests/unit/test_orphan_sweep.py",),
        ),
        Break(
            name="a token is deleted although a Secret that came since holds its value",
            file=f"{_PACKAGE}/orphan_sweep.py",
            text="orphans.belongs_to(token, owners) or orphans.is_held(token, held)",
            replacement="orphans.belongs_to(token, owners)",
            witnesses=("tests/unit/test_orphan_sweep.py",),
        ),
        Break(
            name="two objects that swap the names of their Secrets wait for each other",
            file=f"{_PACKAGE}/neighbours.py",
            text="if desired == former:\n                return True",
            replacement="if desired == former:\n                return False",
            witnesses=("tests/unit/test_neighbours.py",),
        ),
        Break(
            name="the message does not say which former object left a Secret behind",
            file=f"{_CORE}/secret_owner.py",
            text="if made_for is not None and made_for.uid:",
            replacement="if False:",
            witnesses=("tests/unit/core/test_secret_owner.py",),
        ),
    ),
    "a newline at the end of a token": (
        Break(
            name="a token is sent as its file holds it, with its newline",
            file=f"{_CLIENTS}/cluster_access.py",
            text="    token = token.strip()\n",
            replacement="",
            witnesses=("tests/unit/clients/test_cluster_access.py",),
        ),
        Break(
            name="a kubeconfig that cannot be read ends the process with a traceback",
            file=f"{_CLIENTS}/cluster_access.py",
            text="except (config.ConfigException, yaml.YAMLError, OSError, TypeError, ValueError) as error:",
            replacement="except config.ConfigException as error:",
            witnesses=("tests/unit/clients/test_kube.py",),
        ),
    ),
    "definitions that are missing": (
        Break(
            name="a missing definition is not named",
            file=f"{_CLIENTS}/kube.py",
            text='if data.strip() == _NO_SUCH_PAGE and path.startswith(f"/apis/{GROUP}/"):',
            replacement="if False:",
            witnesses=("tests/unit/clients/test_kube.py",),
        ),
        Break(
            name="a missing definition means that its objects are gone",
            file=f"{_CLIENTS}/kube.py",
            text="return Undefined(Reason.KUBERNETES_UNAVAILABLE, _undefined(path))",
            replacement="return Missing(Reason.NOT_FOUND, _undefined(path))",
            witnesses=("tests/unit/clients/test_kube.py",),
        ),
    ),
    "the end of a server's message": (
        Break(
            name="the end of a long message is cut off",
            file=f"{_CLIENTS}/errors.py",
            text='f"{line[:_BEGINNING]} … {line[_BEGINNING + 3 - LONGEST_QUOTE :]}"',
            replacement='f"{line[: LONGEST_QUOTE - 2]} …"',
            witnesses=("tests/unit/clients/test_errors.py",),
        ),
        Break(
            name="the causes of a refusal are not read",
            file=f"{_CLIENTS}/kube.py",
            text="if len(message) <= LONGEST_QUOTE or not isinstance(causes, list):",
            replacement="if True:",
            witnesses=("tests/unit/clients/test_kube.py",),
        ),
    ),
    "clocks that differ": (
        Break(
            name="a duration is called wrong where the clocks are",
            file=f"{_CORE}/clocks.py",
            text="if _is_grantable(expires_at, now + difference.last):",
            replacement="if _is_grantable(expires_at, now):",
            witnesses=("tests/unit/core/test_clocks.py",),
        ),
        Break(
            name="an account does not say that the clocks differ",
            file=f"{_CORE}/account_plan.py",
            text="elif message := clocks.why_skewed(difference):",
            replacement='elif message := "":',
            witnesses=("tests/unit/test_account_reconciler.py",),
        ),
    ),
    "small ones": (
        Break(
            name="the same type by its other name replaces a living token",
            file=f"{_CORE}/digests.py",
            text="[canonical_type(r.type), str(r.id), r.access_level]",
            replacement="[r.type, str(r.id), r.access_level]",
            witnesses=("tests/unit/core/test_digests.py",),
        ),
        Break(
            name="it is not told that Mailtrap granted another end",
            file=f"{_CORE}/step.py",
            text="if message := other_end(s):",
            replacement="if (message := other_end(s)) and s.unknown:",
            witnesses=("tests/unit/core/test_grant.py",),
        ),
        Break(
            name="the removal of the finalizer is tried again after minutes",
            file=f"{_PACKAGE}/report.py",
            text="                at_most = LONGEST_WAIT_FOR_FINALIZER\n",
            replacement="                pass\n",
            witnesses=("tests/unit/test_report.py",),
        ),
        Break(
            name="an edited label wakes no object",
            file=f"{_RUNTIME}/cache.py",
            text='{"metadata": meta, "labels": labels, "spec": kept["spec"]}',
            replacement='{"metadata": meta, "spec": kept["spec"]}',
            witnesses=("tests/unit/runtime/test_cache.py", "tests/unit/test_informer.py"),
        ),
        Break(
            name="the deletion of a Secret that stood in the way wakes no one",
            file=f"{_PACKAGE}/informer.py",
            text="for key in known | self._cache.naming_secret(namespace, name):",
            replacement="for key in known:",
            witnesses=("tests/unit/test_informer.py",),
        ),
    ),
    "the first second and the last": (
        Break(
            name="a signal that comes before everything is loaded is lost",
            file=f"{_PACKAGE}/__main__.py",
            text="signal.signal(number, _end)",
            replacement="signal.signal(number, signal.SIG_IGN)",
            witnesses=("tests/unit/test_first_signal.py",),
        ),
        Break(
            name="a former token is deleted while pods that use it are ending",
            file=f"{_CORE}/workloads.py",
            text="else missing or _ending(status)",
            replacement="else missing",
            witnesses=("tests/unit/core/test_workloads.py",),
        ),
    ),
}
