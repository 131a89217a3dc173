"""What several modules of tests of real connections need."""

import pytest

from tests.certificates import CERTIFICATES


@pytest.fixture(scope="session")
def files(tmp_path_factory):
    """A folder with everything of `tests.certificates`."""
    return CERTIFICATES.write(tmp_path_factory.mktemp("certificates"))
