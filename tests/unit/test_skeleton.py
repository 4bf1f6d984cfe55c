"""The shape of the project: what is shipped, what is importable, how long files may be."""

import ast
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = ROOT / "operator"
PACKAGES = sorted(path.parent for path in SOURCES.glob("*/__init__.py"))
MODULES = sorted(module for package in PACKAGES for module in package.rglob("*.py"))
OF_THE_OPERATOR = [module for module in MODULES if "mailtrap_operator" in module.parts]
LONGEST = 300


def relative(path: Path) -> str:
    return str(path.relative_to(SOURCES))


@pytest.mark.parametrize("folder", [ROOT, SOURCES], ids=["the root", "operator/"])
def test_import_operator_stays_the_standard_librarys(folder: Path) -> None:
    program = "import operator, collections, sys; print(operator.__file__, operator.add(40, 2))"

    shown = subprocess.run(
        [sys.executable, "-c", program], cwd=folder, check=True, capture_output=True, text=True, timeout=60
    )

    path, answer = shown.stdout.split()
    assert "42" == answer
    assert ROOT not in Path(path).parents or ".venv" in Path(path).parts
    assert "operator.py" == Path(path).name


def test_the_folder_of_the_sources_is_no_package() -> None:
    assert not (SOURCES / "__init__.py").exists()
    assert {"mailtrap_operator", "mailtrap_simulator", "local_cluster"} <= {
        package.name for package in PACKAGES
    }


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    """Provide the built wheel."""
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)],
        cwd=ROOT,
        check=True,
        capture_output=True,
        timeout=120,
    )
    (path,) = folder.glob("*.whl")
    return zipfile.ZipFile(path)


def test_the_wheel_holds_the_operator_alone(wheel: zipfile.ZipFile) -> None:
    folders = {name.partition("/")[0] for name in wheel.namelist()}

    assert {"mailtrap_operator"} == {name for name in folders if not name.endswith(".dist-info")}


def test_the_wheel_is_complete(wheel: zipfile.ZipFile) -> None:
    product = SOURCES / "mailtrap_operator"
    sources = {
        str(path.relative_to(SOURCES)) for path in product.rglob("*") if path.suffix in {".py", ".typed"}
    }

    assert sources <= set(wheel.namelist())


def test_the_wheel_brings_one_command(wheel: zipfile.ZipFile) -> None:
    (entry_points,) = (name for name in wheel.namelist() if name.endswith("entry_points.txt"))

    assert ["[console_scripts]", "mailtrap-operator = mailtrap_operator.__main__:main"] == (
        wheel.read(entry_points).decode().split("\n")[:2]
    )


@pytest.mark.parametrize("module", MODULES, ids=relative)
def test_every_module_says_why_it_exists(module: Path) -> None:
    assert ast.get_docstring(ast.parse(module.read_text()))


@pytest.mark.parametrize("module", MODULES, ids=relative)
def test_a_long_file_says_why_it_is_long(module: Path) -> None:
    text = module.read_text()
    head = ast.get_docstring(ast.parse(text)) or ""

    assert text.count("\n") <= LONGEST or "lines" in head


@pytest.mark.parametrize("module", OF_THE_OPERATOR, ids=relative)
def test_no_module_of_the_operator_keeps_state(module: Path) -> None:
    """A lower-case name bound at module level, or an empty container, would be state that all objects share."""
    bound = [
        node for node in ast.parse(module.read_text()).body if isinstance(node, ast.Assign | ast.AnnAssign)
    ]

    def is_empty(value: ast.expr | None) -> bool:
        match value:
            case (
                ast.Dict(keys=[])
                | ast.List(elts=[])
                | ast.Call(func=ast.Name("dict" | "list" | "set"), args=[])
            ):
                return True
        return False

    assert [] == [ast.unparse(node) for node in bound if is_empty(node.value)]
    names = [
        target.id
        for node in bound
        for target in (node.targets if isinstance(node, ast.Assign) else [node.target])
        if isinstance(target, ast.Name)
    ]
    assert [] == [name for name in names if name.islower() and name not in {"logger", "__all__"}]
