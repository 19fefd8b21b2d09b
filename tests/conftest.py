"""What every room's tests may use."""

import asyncio
import inspect
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from cluster import RaySession

TESTS = Path(__file__).parent
FIXTURES = {"ray_session": "ray", "ray_cluster": "ray", "postgres": "postgres"}
"""Fixtures whose tests get a marker, so that `-m "not ray"` leaves them out."""

# Workers share the cores; threads of torch that wait for each other would take more time than they save.
os.environ.setdefault("OMP_NUM_THREADS", "1")
# A slow machine refutes no property.
settings.register_profile("unhurried", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("unhurried")


@pytest.hookimpl(tryfirst=True)  # before pytest-xdist reads the groups and pytest selects by markers
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what a test needs, and deal the tests out to the workers of pytest-xdist, the longest groups first."""
    for item in items:
        for marker in markers(item):
            item.add_marker(marker)
        item.add_marker(pytest.mark.xdist_group(group(item)))
    first = ["ray", "models", "launch"]
    items.sort(key=lambda item: first.index(name) if (name := group(item)) in first else len(first))


def markers(item: pytest.Item) -> set[str]:
    """Return the markers that follow from a test's fixtures."""
    return {FIXTURES[name] for name in getattr(item, "fixturenames", ()) if name in FIXTURES}


def group(item: pytest.Item) -> str:
    """Name what a test shares with others: Ray, models, clusters over ssh, or else the fixtures of its file."""
    folder = item.path.relative_to(TESTS).parent.as_posix()
    if {"ray_session", "ray_cluster"} & set(getattr(item, "fixturenames", ())):  # a process can be in one Ray at a time
        return "ray"
    if item.get_closest_marker("models"):
        return "models"
    return "launch" if folder == "cluster/launch" else item.path.relative_to(TESTS).as_posix()


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Run a test that is a coroutine, on an event loop of its own."""
    if not inspect.iscoroutinefunction(pyfuncitem.obj):
        return None
    wanted = inspect.signature(pyfuncitem.obj).parameters
    asyncio.run(pyfuncitem.obj(**{name: pyfuncitem.funcargs[name] for name in wanted}))
    return True


@pytest.fixture(scope="session")
def ray_session() -> Iterator[RaySession]:
    """One Ray for the whole test run, that every `RayPool` of it joins.

    It starts although the environment names somebody else's cluster.
    """
    session = RaySession(cores=2, object_store_bytes=100_000_000)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_ADDRESS", "192.0.2.1:6379")
        asyncio.run(session.start())
    yield session
    asyncio.run(session.close())
