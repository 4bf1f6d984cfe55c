"""One warning per cause and minute stands in the log, however many objects meet it."""

import logging

from mailtrap_operator.telemetry.repetitions import Repetitions

CAUSE = "Mailtrap does not answer."


class Clock:
    """Seconds that a test moves."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def record(key: str, cause: str = CAUSE, level: int = logging.WARNING) -> logging.LogRecord:
    values = {"name": "some.part", "levelno": level, "msg": "it failed", "key": key, "cause": cause}
    return logging.makeLogRecord(values)


def test_repeated_warning_is_logged_once_and_then_counted() -> None:
    clock = Clock()
    repetitions = Repetitions(clock)

    told = [repetitions.filter(record(f"shop/{number}")) for number in range(1000)]
    clock.now = 60.0
    again = record("shop/0")

    assert [True, *[False] * 999] == told
    assert repetitions.filter(again)
    assert 999 == vars(again)["alike"]


def test_repeated_warning_is_logged_again_after_a_while() -> None:
    clock = Clock()
    repetitions = Repetitions(clock)
    first, second = record("shop/0"), record("shop/0")

    assert repetitions.filter(first)
    clock.now = 61.0
    assert repetitions.filter(second)
    assert "alike" not in vars(second)


def test_other_causes_and_other_levels_are_told() -> None:
    repetitions = Repetitions(Clock())

    assert repetitions.filter(record("shop/0"))
    assert repetitions.filter(record("shop/0", cause="another one"))
    for level in (logging.INFO, logging.ERROR):
        assert [True, True] == [repetitions.filter(record("shop/0", level=level)) for _ in range(2)]


def test_memory_of_deleted_objects_is_bounded() -> None:
    clock = Clock()
    repetitions = Repetitions(clock)
    for number in range(1000):
        repetitions.filter(record("shop/0", cause=str(number)))
    clock.now = 60.0

    assert repetitions.filter(record("shop/0"))
    assert not repetitions.filter(record("shop/1"))
