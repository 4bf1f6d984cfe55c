from pathlib import Path

import pytest

from local_cluster.binaries import complete_folder, search_path

ALL = ("etcd", "kube-apiserver", "kube-controller-manager", "kubectl")


def folder_with(path: Path, *programs: str, mode: int = 0o755) -> Path:
    path.mkdir()
    for program in programs:
        (path / program).touch(mode=mode)
    return path


def test_the_first_folder_with_all_four_programs_is_taken(tmp_path: Path) -> None:
    partial = folder_with(tmp_path / "partial", "kubectl")
    first = folder_with(tmp_path / "first", *ALL)
    second = folder_with(tmp_path / "second", *ALL)

    assert first == complete_folder([partial, first, second])


@pytest.mark.parametrize("missing", ALL)
def test_a_folder_that_lacks_one_program_is_passed_over(tmp_path: Path, missing: str) -> None:
    assert complete_folder([folder_with(tmp_path / "folder", *(set(ALL) - {missing}))]) is None


def test_programs_are_never_mixed_from_two_folders(tmp_path: Path) -> None:
    one = folder_with(tmp_path / "one", *ALL[:2])
    other = folder_with(tmp_path / "other", *ALL[2:])

    assert complete_folder([one, other]) is None


def test_a_folder_that_does_not_exist_is_passed_over(tmp_path: Path) -> None:
    assert complete_folder([tmp_path / "absent"]) is None


def test_a_file_that_cannot_be_executed_is_no_program(tmp_path: Path) -> None:
    assert complete_folder([folder_with(tmp_path / "folder", *ALL, mode=0o644)]) is None


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        pytest.param({}, [], id="nothing is set"),
        pytest.param({"PATH": "/a:/b"}, ["/a", "/b"], id="PATH alone"),
        pytest.param({"PATH": "/a", "KUBEBUILDER_ASSETS": "/k"}, ["/k", "/a"], id="the assets come first"),
        pytest.param({"PATH": "/a::", "KUBEBUILDER_ASSETS": ""}, ["/a"], id="empty names mean no folder"),
    ],
)
def test_the_search_path(environment: dict[str, str], expected: list[str]) -> None:
    assert [Path(name) for name in expected] == search_path(environment)
