import io

import pytest

from demo.terminal import WIDTH, Terminal, broken_into_lines, wants_colour


class Screen(io.StringIO):
    """A terminal."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("out", "environment", "expected"),
    [
        pytest.param(Screen(), {"TERM": "xterm"}, True, id="on a terminal"),
        pytest.param(io.StringIO(), {"TERM": "xterm"}, False, id="in a pipe"),
        pytest.param(Screen(), {"TERM": "xterm", "NO_COLOR": "1"}, False, id="the user wants none"),
        pytest.param(Screen(), {"TERM": "xterm", "NO_COLOR": ""}, True, id="an empty NO_COLOR says nothing"),
        pytest.param(Screen(), {"TERM": "dumb"}, False, id="the terminal cannot"),
    ],
)
def test_colour_is_for_terminals_whose_user_wants_it(
    out: io.StringIO, environment: dict[str, str], *, expected: bool
) -> None:
    assert expected == wants_colour(out, environment)


def tell(show: Terminal) -> None:
    show.headline("A step")
    show.command("kubectl", "get", "mtat")
    show.seen("call with token …abcd", "200 OK")
    show.table("Tokens:", [("…abcd", "in the Secret", "billing"), ("…ef", "value lost", "billing 7")])
    show.failure("call with token …abcd", {"expected": "200 OK", "seen": "401 Unauthorized"})


def test_the_story_is_aligned_and_readable_without_colour() -> None:
    out = io.StringIO()

    tell(Terminal(out, is_coloured=False))

    assert out.getvalue() == (
        "\n"
        "A step\n"
        "  $ kubectl get mtat\n"
        "  ok  call with token …abcd                         200 OK\n"
        "  Tokens:\n"
        "      …abcd  in the Secret  billing\n"
        "      …ef    value lost     billing 7\n"
        "\n"
        "  FAILED  call with token …abcd\n"
        "          expected  200 OK\n"
        "          seen      401 Unauthorized\n"
    )


def test_colour_adds_nothing_but_colour() -> None:
    plain, coloured = io.StringIO(), io.StringIO()

    tell(Terminal(plain, is_coloured=False))
    tell(Terminal(coloured, is_coloured=True))

    without = coloured.getvalue()
    for code in ("1", "2", "32", "31", "0"):
        assert f"\033[{code}m" in without
        without = without.replace(f"\033[{code}m", "")
    assert plain.getvalue() == without


def test_a_wide_command_is_broken_between_words_as_a_shell_reads_it() -> None:
    words = ["kubectl", *(f"--option-{number}" for number in range(12)), "x" * WIDTH]

    lines = broken_into_lines(words)

    assert ["$", *words] == " ".join(lines).replace("\\", "").split()
    assert [True] * (len(lines) - 1) == [line.endswith(" \\") for line in lines[:-1]]
    assert [True] * (len(lines) - 1) == [len(f"  {line}") <= WIDTH for line in lines[:-1]]
