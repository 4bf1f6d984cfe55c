"""The part of an ApiToken's spec that says when and how a token is replaced by its successor."""

from datetime import UTC, datetime, timedelta
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError
from pydantic import AfterValidator, ConfigDict, Field

from mailtrap_operator.api.durations import Lifetime, MaxOverlap, Overlap, Period, WindowLength, in_cel
from mailtrap_operator.api.fields import Model, cel

_RULES = {
    "minute": "0-59",
    "hour": "0-23",
    "day of the month": "1-31, or L for the last one",
    "month": "jan, feb … dec or 1-12",
    "day of the week": "sun, mon … sat or 0-6",
}
"""The fields of a schedule, and what each may be; also a list, a range or a step of these, or *."""


def _schedule(text: str) -> str:
    parts = text.split()
    if len(parts) != len(_RULES):
        raise ValueError(f"{text!r} is not a cron schedule of five fields, such as '0 3 * * sun'")
    if _is_schedule(parts):
        return text
    wrong = [
        f"{name} must be {rule}, not {part!r}"
        for (name, rule), part, alone in zip(_RULES.items(), parts, _each_alone(parts), strict=True)
        if not _is_schedule(alone)
    ]
    words = " and ".join(wrong) or "no such day comes in these months"
    raise ValueError(f"{text!r} is not a cron schedule: {words}")


def _each_alone(parts: list[str]) -> list[list[str]]:
    """Return schedules of which one field each is as it was given, and the others are any."""
    return [["*"] * place + [part] + ["*"] * (len(parts) - 1 - place) for place, part in enumerate(parts)]


def _is_schedule(parts: list[str]) -> bool:
    try:
        CronSim(" ".join(parts), datetime.now(UTC))
    except CronSimError:
        return False
    return True


def _timezone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise ValueError(f"{name!r} is not a time zone, such as UTC or Europe/Berlin") from None
    return name


class Window(Model):
    """A time in which a token may be rotated."""

    schedule: Annotated[str, AfterValidator(_schedule)] = Field(
        max_length=100,
        description="When the window opens: a cron schedule of five fields: minute 0-59, hour 0-23, day of the month 1-31, "
        "month jan … dec or 1-12, day of the week sun … sat or 0-6, such as '0 3 * * sun' or '30 22 * * *'.",
        json_schema_extra=cel(
            (
                r"self.matches('^[^ ]+( [^ ]+){4}$')",
                "must be a cron schedule of five fields, one blank between them, such as '0 3 * * sun'",
            )
        ),
    )
    timezone: Annotated[str, AfterValidator(_timezone)] = Field(
        "UTC",
        min_length=1,
        max_length=64,
        pattern="^[A-Za-z0-9_+-]+(/[A-Za-z0-9_+-]+)*$",
        description="The time zone of the schedule, such as UTC or Europe/Berlin.",
    )
    duration: WindowLength = Field(description="How long the window stays open, from 1m to 7d.")


class Rotation(Model):
    """When and how a token is replaced by its successor."""

    model_config = ConfigDict(
        json_schema_extra=cel(
            (
                "!(has(self.renewBefore) && has(self.renewBeforePercentage))",
                "set renewBefore or renewBeforePercentage, not both",
            ),
            (
                f"!has(self.maxOverlap) || {in_cel('self.overlap')} <= {in_cel('self.maxOverlap')}",
                "rotation.maxOverlap must not be shorter than rotation.overlap",
            ),
            (
                f"self.strategy != 'Reset' || {in_cel('self.overlap')} <= 12 * 3600",
                (
                    "with strategy Reset, Mailtrap ends a replaced token after 12 hours: set rotation.strategy to Replace "
                    "for a longer rotation.overlap"
                ),
            ),
        )
    )

    policy: Literal["Automatic", "Manual"] = Field(
        "Automatic",
        description="Automatic rotates a token when it is due. Manual waits for a new value of the annotation "
        "mailtrap-operator.io/rotate; only a lost value is still replaced at once.",
    )
    strategy: Literal["Reset", "Replace"] = Field(
        "Reset",
        description="Reset lets Mailtrap issue the successor and keeps the old value working for 12 hours. "
        "Replace creates another token and deletes the old one after the overlap.",
    )
    renew_before: Lifetime | None = Field(
        None,
        description="Renewal starts this long before the token expires. Default: a third of its lifetime.",
    )
    renew_before_percentage: int | None = Field(
        None,
        ge=1,
        le=99,
        description="Renewal starts when this percentage of the granted lifetime remains.",
    )
    every: Period | None = Field(
        None, description="Rotates a token of this age, from 1h to 1825d, also one that never expires."
    )
    overlap: Overlap = Field(
        timedelta(hours=12),
        description="How long a replaced token keeps working, from 0s to 30d. Default: 12h. More than 12h needs strategy "
        "Replace; after a reset it is 12h, which Mailtrap decides.",
    )
    max_overlap: MaxOverlap | None = Field(
        None,
        description="How long a replaced token is kept at most while the workloads of rolloutRestartTargets have not "
        "finished their rollouts, from 1h to 90d. Default: 72h, or the overlap where that is longer.",
    )
    windows: tuple[Window, ...] = Field(
        (),
        max_length=16,
        description="When a token may be rotated; by default at any time. A rotation that the annotation "
        "mailtrap-operator.io/rotate asks for, and one that replaces a lost value, does not wait.",
        json_schema_extra={"x-kubernetes-list-type": "atomic"},
    )
    outside_windows: Literal["BeforeExpiry", "Never"] = Field(
        "BeforeExpiry",
        description="What happens to a token that expires before the next window opens. BeforeExpiry rotates it "
        "shortly before its end. Never lets it expire, and replaces it then.",
    )
