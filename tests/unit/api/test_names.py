"""The names of annotations, labels and finalizers are API: all of them stand in one file, and each has one meaning."""

import re
from pathlib import Path

import mailtrap_operator
from mailtrap_operator.api import names

SOURCE = Path(mailtrap_operator.__file__).parent


def test_no_other_file_makes_up_a_name_under_the_group() -> None:
    files = {path.relative_to(SOURCE).as_posix(): path.read_text() for path in SOURCE.rglob("*.py")}

    assert ["api/names.py"] == sorted(
        name for name, text in files.items() if re.search(r"{GROUP}/[a-z]", text)
    )


def test_no_name_has_two_meanings() -> None:
    texts = [text for name, text in vars(names).items() if name.isupper() and isinstance(text, str)]

    assert sorted(set(texts)) == sorted(texts)
