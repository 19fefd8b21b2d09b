"""A cluster beside the test run's own Ray, for as long as a module needs it."""

from collections.abc import Iterator

import pytest

from tests.cluster.launch.heads import Head


@pytest.fixture(scope="module")
def head() -> Iterator[Head]:
    """A cluster behind a token."""
    started = Head()
    yield started
    started.stop()
