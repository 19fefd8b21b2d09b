"""What every room's tests may use."""

import asyncio
import inspect
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from cluster import RaySession

TESTS = Path(__file__).parent
GROUPS = {
    "models": ("inference/models", "miners/text", "validators/models"),
    "launch": ("cluster/launch",),
}
"""Folders whose tests share what is slow to start."""
RAY = {"ray_session", "ray_cluster"}
"""Fixtures, of which a process can have one at a time."""

# A slow machine refutes no property.
settings.register_profile("unhurried", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("unhurried")


@pytest.hookimpl(tryfirst=True)  # before pytest-xdist looks at the groups
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Deal the tests out to the workers of pytest-xdist by what they share, the longest groups first."""
    for item in items:
        item.add_marker(pytest.mark.xdist_group(group(item)))
    first = ["ray", *GROUPS]
    items.sort(key=lambda item: first.index(found) if (found := group(item)) in first else len(first))


def group(item: pytest.Item) -> str:
    """Name what a test shares with others: Ray, models, a cluster, else the fixtures of its file."""
    if RAY & set(getattr(item, "fixturenames", ())):
        return "ray"
    folder = item.path.relative_to(TESTS).parent.as_posix()
    return next(
        (name for name, folders in GROUPS.items() if folder in folders), item.path.relative_to(TESTS).as_posix()
    )


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
