"""A cluster beside the test run's own Ray, for as long as the tests of this folder need it."""

from collections.abc import Iterator

import pytest

from tests.cluster.launch.heads import Head, start_head


@pytest.fixture(scope="package")
def head() -> Iterator[Head]:
    """A cluster behind a token, with a dashboard."""
    started = start_head(dashboard=True)
    yield started
    started.stop()
