"""The process's settings: the only reader of the environment and of the command line.

Each is an environment variable `MAILTRAP_OPERATOR_<NAME>` and a flag `--<name>`; the flag wins. A wrong one stops
the start with one line that names it as the user writes it. Defaults stand here as a user would write them too:
that is how `--help` shows them.
"""

import re
from argparse import ArgumentParser
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple, Self, TypeVar

from pydantic import AfterValidator, BeforeValidator, Field, ValidationError, model_validator
from pydantic_settings import (
    BaseSettings,
    CliPositionalArg,
    CliSettingsSource,
    CliSuppress,
    NoDecode,
    SettingsConfigDict,
)

from mailtrap_operator.api.v1alpha1 import parse_duration, print_duration

_POD_NAMESPACE = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")
PREFIX = "MAILTRAP_OPERATOR_"
_SHORTEST = timedelta(seconds=1)


class RateLimit(NamedTuple):
    """How many calls one credential may make in a period."""

    limit: int
    period: timedelta


def _rate(value: object) -> object:
    if not isinstance(value, str):
        return value
    calls, _, period = value.partition("/")
    try:
        rate = RateLimit(int(calls), parse_duration(period))
        if rate.limit >= 1 and rate.period >= _SHORTEST:
            return rate
    except ValueError:
        pass
    raise ValueError(f"{value!r} is no rate; write calls per period, at least 1 per 1s, such as 145/10s")


def _duration(value: object) -> object:
    return parse_duration(value) if isinstance(value, str) else value


def _long_enough(value: timedelta) -> timedelta:
    if value < _SHORTEST:
        raise ValueError(f"{print_duration(value)!r} is too short; it must be at least 1s")
    return value


def _list(value: object) -> object:
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


def _at_least_one(urls: tuple[str, ...]) -> tuple[str, ...]:
    if not urls:
        raise ValueError("no server is allowed; name at least one, such as https://mailtrap.io")
    return urls


def _base_url(url: str) -> str:
    if not re.fullmatch(r"https?://[^/@?#\s]+/?", url):
        raise ValueError(f"{url!r} is no base URL; write scheme and host alone, such as https://mailtrap.io")
    return url.rstrip("/").lower()


def _namespace(name: str) -> str:
    if not re.fullmatch("[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?", name):
        raise ValueError(
            f"{name!r} is no name of a namespace; it has lower-case letters, digits and '-' only"
        )
    return name


def _metadata_key(text: str) -> str:
    if not re.fullmatch(r"(?=.)[A-Za-z0-9._/-]*\*?", text):
        raise ValueError(
            f"{text!r} is no key of labels or annotations, and no beginning of some that ends with '*'; "
            "write it like app.kubernetes.io/name or example.com/*"
        )
    return text


def _installation(text: str) -> str:
    if not re.fullmatch("([a-z2-7]{6})?", text):
        raise ValueError(f"{text!r} is no installation; write 6 characters of a-z and 2-7, such as prod22")
    return text


Duration = Annotated[timedelta, BeforeValidator(_duration), AfterValidator(_long_enough)]
Namespace = Annotated[str, AfterValidator(_namespace)]
MetadataKey = Annotated[str, AfterValidator(_metadata_key)]
BaseUrl = Annotated[str, AfterValidator(_base_url)]


def is_in_pod() -> bool:
    """Whether this process runs in a pod, with a service account."""
    return _POD_NAMESPACE.exists()


def _own_namespace() -> str:
    return _POD_NAMESPACE.read_text().strip() if is_in_pod() else "mailtrap-system"


def _default(written: Any, description: str) -> Any:
    # It is validated like any other value, so its type is the user's, not the field's.
    return Field(written, description=description)


class Settings(BaseSettings):
    """Settings of the operator process."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        frozen=True,
        cli_kebab_case=True,
        cli_prog_name="mailtrap-operator run",
        cli_hide_none_type=True,
        cli_show_env_vars=True,
        cli_exit_on_error=False,
    )

    namespace: Namespace = Field(
        default_factory=_own_namespace,
        description="Namespace of the Lease and of the credentials of ClusterMailtrapAccounts; outside of a pod mailtrap-system.",
    )
    watch_namespaces: Annotated[tuple[Namespace, ...], NoDecode, BeforeValidator(_list)] = _default(
        "", "Comma-separated namespaces to serve; empty: all."
    )
    allowed_base_urls: Annotated[
        tuple[BaseUrl, ...], NoDecode, BeforeValidator(_list), AfterValidator(_at_least_one)
    ] = _default(
        "https://mailtrap.io",
        "Comma-separated remote servers that accounts may name; http only when listed so.",
    )
    installation: Annotated[str, AfterValidator(_installation)] = _default(
        "", "This cluster's part of the tag, 6 base32 characters; empty: from the cluster's UID."
    )
    request_timeout: Duration = _default("10s", "Bounds one remote call.")
    settle_time: Duration = _default("60s", "How long a lost answer may still take effect.")
    rate_limit: Annotated[RateLimit, NoDecode, BeforeValidator(_rate)] = _default(
        "145/10s", "Calls per credential."
    )
    workers: Annotated[int, Field(ge=1, le=256)] = _default(32, "Reconciles that may run at once.")
    resync_interval: Duration = _default("10m", "How often the watch is verified.")
    watch_secrets: bool = _default(
        "true", "Watch the Secrets that hold tokens; false: read them by name once per refreshInterval."
    )
    leader_election: bool = _default(
        "true",
        "Work only while holding the Lease; false: for a single process, such as on a developer's machine.",
    )
    allowed_secret_metadata: Annotated[tuple[MetadataKey, ...], NoDecode, BeforeValidator(_list)] = _default(
        "app.kubernetes.io/name,app.kubernetes.io/component,app.kubernetes.io/part-of,app.kubernetes.io/version",
        "Comma-separated keys with a domain that secretTemplate may set, and beginnings of such that end with '*'.",
    )
    rollout_restarts: bool = _default(
        "true", "Restart the workloads that ApiTokens name; false: refuse that."
    )
    dry_run: bool = _default("false", "Change nothing: the condition Planned says what would be done.")
    port: Annotated[int, Field(ge=0, le=65535)] = _default(8080, "Port of /livez, /readyz and /metrics.")
    log_level: Literal["debug", "info", "warning", "error"] = _default("info", "Lowest level that is logged.")
    log_format: Literal["json", "text"] = _default("json", "Format of the log.")

    @model_validator(mode="after")
    def _settles_long_enough(self) -> Self:
        if self.settle_time < 4 * self.request_timeout:
            raise ValueError(
                f"{_written('settle_time')} ({print_duration(self.settle_time)}) must be at least 4 times "
                f"{_written('request_timeout')} ({print_duration(self.request_timeout)})"
            )
        return self


class PreviewSettings(Settings):
    """Print what the operator would do now, and do nothing.

    Outside of a pod, settings that are not given are those of the operator's Deployment in NAMESPACE.

    Exit status: 0 all is as asked for; 2 something is to be done, by the operator or, where one is blocked, by a user;
    1 that could not be told, of all or of some.
    """

    model_config = SettingsConfigDict(
        cli_prog_name="mailtrap-operator plan",
        cli_shortcuts={"in-namespace": "n", "output": "o"},
    )

    names: CliPositionalArg[tuple[str, ...]] = _default((), "The ApiTokens to show; none: all.")
    in_namespace: Namespace | None = _default(None, "Show the ApiTokens of this namespace only.")
    output: Literal["table", "json"] = _default("table", "Format of the output.")
    # What makes no difference here is not in the help.
    resync_interval: CliSuppress[Duration] = _default("10m", "")
    leader_election: CliSuppress[bool] = _default("true", "")
    dry_run: CliSuppress[bool] = _default("false", "")
    port: CliSuppress[int] = _default(8080, "")

    def over(self, texts: Mapping[str, str]) -> "PreviewSettings":
        """Return these settings, with what others wrote in the place of what no one gave here; raises `ValidationError`."""
        given = {name: getattr(self, name) for name in self.model_fields_set}
        return PreviewSettings(**{**texts, **given})


OF_THE_DECISION = frozenset(
    {
        "namespace",
        "watch_namespaces",
        "allowed_base_urls",
        "installation",
        "request_timeout",
        "settle_time",
        "rate_limit",
        "watch_secrets",
        "allowed_secret_metadata",
        "rollout_restarts",
    }
)
"""The settings on which it depends what an operator sees, asks and decides."""

SettingsT = TypeVar("SettingsT", bound=Settings)

_PLAIN = {
    "tuple[str,...]": "list",
    "timedelta": "duration",
    "RateLimit": "rate",
    "str": "text",
    "int": "number",
    "bool": "{true,false}",
    "_own_namespace": "the pod's namespace",
}


class _Flags(CliSettingsSource[Any]):
    """The command line; its help names types as a user does."""

    def _metavar_format(self, obj: Any) -> str:
        words = super()._metavar_format(obj)
        return _PLAIN.get(words, words)


def parse(kind: type[SettingsT], arguments: Sequence[str]) -> SettingsT:
    """Return the settings of a command; raises `ValidationError` or `SettingsError`."""
    # Flags may stand before and after names, as users of kubectl expect.
    method: Any = ArgumentParser.parse_intermixed_args
    flags = _Flags(kind, cli_parse_args=list(arguments), parse_args_method=method)
    return kind(_cli_settings_source=flags)


def problems(error: ValidationError) -> Iterator[str]:
    """Yield what is wrong with the settings, one line each."""
    for detail in error.errors(include_url=False):
        words = str(detail["ctx"]["error"]) if detail["type"] == "value_error" else _plain(detail)
        yield f"{_written(str(detail['loc'][0]))}: {words}" if detail["loc"] else words


def _plain(detail: Any) -> str:
    return f"{detail['input']!r}: {detail['msg'][0].lower()}{detail['msg'][1:]}"


def _written(field: str) -> str:
    """Return a setting's name in both forms that a user writes."""
    return f"--{field.replace('_', '-')} / {PREFIX}{field.upper()}"
