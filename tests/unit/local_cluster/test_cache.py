import fcntl
from pathlib import Path

import pytest

from local_cluster.cache import cache_folder, exclusive, published


def test_the_cache_lies_where_the_user_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))

    assert tmp_path / "mailtrap-operator" == cache_folder()


def test_a_lock_shuts_everyone_else_out_until_it_is_given_back(tmp_path: Path) -> None:
    lock = tmp_path / "lock"
    with exclusive(lock), lock.open("wb") as other, pytest.raises(BlockingIOError):
        fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)

    with lock.open("wb") as other:
        fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)


def test_a_folder_appears_only_when_it_is_complete(tmp_path: Path) -> None:
    target = tmp_path / "target"
    with published(target) as content:
        (content / "program").touch()
        assert not target.exists()

    assert [target / "program"] == list(target.iterdir())
    assert [target] == list(tmp_path.iterdir())


def fill_and_fail(target: Path) -> None:
    with published(target) as content:
        (content / "program").touch()
        raise RuntimeError


def test_a_failure_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError):
        fill_and_fail(tmp_path / "target")

    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_build_left_is_cleared_away(tmp_path: Path) -> None:
    (tmp_path / ".target-killed").mkdir()
    with published(tmp_path / "target"):
        pass

    assert [tmp_path / "target"] == list(tmp_path.iterdir())
