"""What objects have to do with is looked up from both sides, and every change is told."""

from mailtrap_operator.core.keys import ApiTokenKey
from mailtrap_operator.runtime.index import Index

BILLING, MAILER = ApiTokenKey("team", "billing"), ApiTokenKey("team", "mailer")


def test_both_sides_find_each_other() -> None:
    index: Index[ApiTokenKey, str] = Index()
    index.put(BILLING, frozenset({"a", "b"}))
    index.put(MAILER, frozenset({"b"}))

    assert [{"a", "b"}, {"b"}] == [index.of(BILLING), index.of(MAILER)]
    assert [{BILLING}, {BILLING, MAILER}] == [index.keys("a"), index.keys("b")]
    assert (True, False) == ("a" in index, "c" in index)


def test_changed_fields_are_reported() -> None:
    index: Index[ApiTokenKey, str] = Index()

    assert {"a", "b"} == index.put(BILLING, frozenset({"a", "b"}))
    assert set() == index.put(BILLING, frozenset({"a", "b"}))
    assert {"a", "c"} == index.put(BILLING, frozenset({"b", "c"}))
    assert {"b", "c"} == index.put(BILLING, frozenset())


def test_index_keeps_nothing_of_a_removed_object() -> None:
    index: Index[ApiTokenKey, str] = Index()
    index.put(BILLING, frozenset({"a"}))

    index.put(BILLING, frozenset())

    assert "a" not in index
    assert ({}, {}) == (index._things, index._keys)
