"""The process's settings: the only reader of the environment and of the command line.

Each is an environment variable `MAILTRAP_OPERATOR_<NAME>` and a flag `--<name>`; the flag wins. A wrong one stops
the start with one line that names it.
"""

import re
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Literal, NamedTuple, Self

from pydantic import BeforeValidator, Field, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from mailtrap_operator.api.v1alpha1 import parse_duration

_POD_NAMESPACE = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")
_RATE = re.compile(r"^([1-9]\d{0,5})/(\d+[hms]\S*)$")


class RateLimit(NamedTuple):
    """How many calls one credential may make in a period."""

    limit: int
    period: timedelta


def _rate(value: object) -> object:
    match = _RATE.match(value) if isinstance(value, str) else None
    if match is None:
        return value
    return RateLimit(int(match[1]), parse_duration(match[2]))


def _duration(value: object) -> object:
    return parse_duration(value) if isinstance(value, str) else value


def _list(value: object) -> object:
    return (
        tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value
    )


Duration = Annotated[timedelta, BeforeValidator(_duration)]
Names = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_list)]


def is_in_pod() -> bool:
    """Whether this process runs in a pod, with a service account."""
    return _POD_NAMESPACE.exists()


def _own_namespace() -> str:
    return _POD_NAMESPACE.read_text().strip() if is_in_pod() else "mailtrap-system"


class Settings(BaseSettings):
    """Settings of the operator process."""

    model_config = SettingsConfigDict(
        env_prefix="MAILTRAP_OPERATOR_",
        frozen=True,
        cli_kebab_case=True,
        cli_prog_name="mailtrap-operator run",
        cli_hide_none_type=True,
    )

    namespace: str = Field(
        default_factory=_own_namespace,
        description="Where the credentials of ClusterMailtrapAccounts live.",
    )
    watch_namespaces: Names = Field((), description="Comma-separated namespaces to serve; empty: all.")
    allowed_base_urls: Names = Field(
        ("https://mailtrap.io",),
        description="Comma-separated remote servers that accounts may name; http only when listed so.",
    )
    installation: Annotated[str, Field(pattern="^([a-z2-7]{6})?$")] = Field(
        "",
        description="This cluster's part of the tag, 6 base32 characters; default: from the cluster's UID.",
    )
    request_timeout: Duration = Field(timedelta(seconds=10), description="Bounds one remote call.")
    settle_time: Duration = Field(
        timedelta(seconds=60), description="How long a lost answer may still take effect."
    )
    rate_limit: Annotated[RateLimit, NoDecode, BeforeValidator(_rate)] = Field(
        RateLimit(140, timedelta(seconds=10)), description="Calls per credential, such as 140/10s."
    )
    workers: Annotated[int, Field(ge=1, le=256)] = Field(32, description="Passes that may run at once.")
    resync_interval: Duration = Field(timedelta(minutes=10), description="How often the watch is verified.")
    port: Annotated[int, Field(ge=0, le=65535)] = Field(
        8080, description="Port of /livez, /readyz and /metrics."
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="Least level logged.")
    log_format: Literal["json", "text"] = Field("json", description="Form of the log.")

    @field_validator("allowed_base_urls")
    @classmethod
    def _without_slash(cls, urls: tuple[str, ...]) -> tuple[str, ...]:
        wrong = [url for url in urls if not re.match(r"^https?://[^/@\s]+/?$", url)]
        if wrong:
            raise ValueError(
                f"{wrong[0]!r} is no base URL: write scheme and host alone, such as https://mailtrap.io"
            )
        return tuple(url.rstrip("/").lower() for url in urls)

    @model_validator(mode="after")
    def _settles_long_enough(self) -> Self:
        if self.settle_time < 4 * self.request_timeout:
            raise ValueError("settle_time must be at least 4 times request_timeout")
        return self
