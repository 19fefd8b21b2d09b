"""What every room's tests may use."""

import asyncio
import inspect
from collections.abc import Iterator

import pytest

from cluster import RaySession


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
