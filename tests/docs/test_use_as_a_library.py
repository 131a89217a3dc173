"""The how-to about the library: each program prints what stands below it, and every public name is told of."""

import re

import pytest
from tests.docs.pages import DOCS, files, run

import vmodem

PAGE = "use-as-a-library.md"
TEXT = (DOCS / PAGE).read_text()
PROGRAMS = files(PAGE)


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_program_prints_what_the_page_says(tmp_path, name):
    code = PROGRAMS[name]
    _, _, after = TEXT.partition(code)
    printed = re.match(r"```\n\n```text\n(.*?)```\n", after, re.DOTALL)
    assert printed is not None, "no output is shown"
    (tmp_path / f"program_{name}").write_text(code)  # a name that is no module's
    assert run(tmp_path, f"program_{name.removesuffix('.py')}") == printed[1]


def test_every_public_name_is_told_of():
    untold = [name for name in vmodem.__all__ if not re.search(rf"\b{name}\b", TEXT)]
    assert untold == ["__version__"]
