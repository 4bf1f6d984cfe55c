"""Whose a remote token is: the last tag in its name, whatever people and resets put around it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailtrap_operator.core.ownership import (
    Tag,
    installation_of,
    nonce_of,
    owner_of,
    parse_tag,
    remote_name,
)

TAG = Tag("abc234", "owner23456", "nonce234")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        pytest.param("billing mailer [k8s:abc234-owner23456-nonce234]", TAG, id="as created"),
        pytest.param("billing mailer [k8s:abc234-owner23456-nonce234] 2498715", TAG, id="reset once"),
        pytest.param(
            "billing mailer [k8s:abc234-owner23456-nonce234] 2498715 2498799 3", TAG, id="reset thrice"
        ),
        pytest.param(
            "[a] b] [k8s:c [k8s:abc234-owner23456-nonce234]", TAG, id="brackets in the display name"
        ),
        pytest.param(
            "[k8s:zzzzzz-zzzzzzzzzz-zzzzzzzz] [k8s:abc234-owner23456-nonce234]",
            TAG,
            id="two tags: the last counts",
        ),
        pytest.param(
            "[k8s:zzzzzz-zzzzzzzzzz-zzzzzzzz] 17 [k8s:abc234-owner23456-nonce234] 18",
            TAG,
            id="two tags, reset twice",
        ),
        pytest.param("[k8s:abc234-owner23456-nonce234]", TAG, id="no display name"),
        pytest.param("x[k8s:abc234-owner23456-nonce234]", TAG, id="no blank before the tag"),
        pytest.param("mailer 7 [k8s:abc234-owner23456-nonce234]", TAG, id="a number in the display name"),
        pytest.param("line\nbreak [k8s:abc234-owner23456-nonce234]", TAG, id="a display name of two lines"),
        pytest.param("", None, id="empty"),
        pytest.param("billing mailer", None, id="no tag"),
        pytest.param("billing mailer 2498715", None, id="reset, no tag"),
        pytest.param("[k8s:abc234-owner23456-nonce234] copy", None, id="someone renamed it"),
        pytest.param("[k8s:abc234-owner23456-nonce234] 12a", None, id="not a number after it"),
        pytest.param("[k8s:abc234-owner23456-nonce234]  12", None, id="two blanks before the number"),
        pytest.param("[k8s:abc234-owner23456-nonce234] ", None, id="a blank at the end"),
        pytest.param("[k8s:abc234-owner23456-nonce234", None, id="cut"),
        pytest.param("[k8s:abc23-owner23456-nonce234]", None, id="installation too short"),
        pytest.param("[k8s:abc2345-owner23456-nonce234]", None, id="installation too long"),
        pytest.param("[k8s:abc234-owner2345-nonce234]", None, id="owner too short"),
        pytest.param("[k8s:abc234-owner23456-nonce23]", None, id="nonce too short"),
        pytest.param("[k8s:ABC234-owner23456-nonce234]", None, id="capitals"),
        pytest.param("[k8s:abc190-owner23456-nonce234]", None, id="figures that base32 does not have"),
        pytest.param("[K8S:abc234-owner23456-nonce234]", None, id="another mark"),
        pytest.param("k8s:abc234-owner23456-nonce234", None, id="no brackets"),
        pytest.param("(k8s:abc234-owner23456-nonce234)", None, id="other brackets"),
    ],
)
def test_the_tag_at_the_end_of_a_name(name: str, expected: Tag | None) -> None:
    assert expected == parse_tag(name)


def test_a_name_of_ours_to_which_a_foreign_tag_was_appended_is_foreign() -> None:
    foreign = Tag("zzzzzz", "zzzzzzzzzz", "zzzzzzzz")

    assert foreign == parse_tag(f"{remote_name('mailer', TAG)} {foreign}")


base32_text = st.text("abcdefghijklmnopqrstuvwxyz234567", min_size=10, max_size=10)


@given(
    display_name=st.text(max_size=150),
    parts=st.tuples(base32_text, base32_text, base32_text),
    suffixes=st.lists(st.integers(min_value=0, max_value=10**19), max_size=5),
)
def test_what_is_put_into_a_name_is_found_there_after_any_number_of_resets(
    display_name: str, parts: tuple[str, str, str], suffixes: list[int]
) -> None:
    tag = Tag(parts[0][:6], parts[1], parts[2][:8])
    name = remote_name(display_name, tag) + "".join(f" {suffix}" for suffix in suffixes)

    assert tag == parse_tag(name)


@given(st.text(max_size=300))
def test_no_name_breaks_the_parser(name: str) -> None:
    tag = parse_tag(name)

    assert tag is None or str(tag) in name


def test_the_parts_of_a_tag_have_their_lengths() -> None:
    tag = Tag(installation_of("uid"), owner_of("abc234", "ns", "name", "uid"), nonce_of(b"random"))

    assert tag == parse_tag(remote_name("mailer", tag))


def test_another_object_has_another_owner() -> None:
    base = ("abc234", "ns", "name", "uid")
    others = [
        ("abc235", "ns", "name", "uid"),
        ("abc234", "n", "name", "uid"),
        ("abc234", "ns", "names", "uid"),
        ("abc234", "ns", "name", "uid2"),
    ]

    assert len({owner_of(*parts) for parts in [base, *others]}) == 5
    assert owner_of(*base) == owner_of(*base)


def test_tags_stay_the_same_over_releases() -> None:
    """Were they to change, an upgrade would lose sight of every token."""
    assert "d7l46e" == installation_of("3f6c0a52-7a3c-4f0e-9a51-7d8a7d2f9c11")
    assert "ijb3dc6s5g" == owner_of("abc234", "shop", "billing", "uid-1")
    assert "dqtmkzuo" == nonce_of(b"randomness")
