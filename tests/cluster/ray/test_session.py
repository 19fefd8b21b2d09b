"""What a Ray session does before Ray runs."""

import asyncio
import os
import socket
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from cluster import PoolError, RaySession
from cluster.ray.address import find
from cluster.ray.token import guard_token, require_token

pytestmark = pytest.mark.ray


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("RAY_AUTH_TOKEN", raising=False)
    monkeypatch.delenv("RAY_AUTH_TOKEN_PATH", raising=False)
    return tmp_path


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_new_token_is_for_its_owner_alone(home: Path) -> None:
    with pytest.raises(PoolError, match="asks for a token and there is none here"):
        require_token("a cluster")
    guard_token()
    path = home / ".ray" / "auth_token"
    assert (mode(path), mode(path.parent)) == (0o600, 0o700)
    assert len(path.read_text()) == 64
    assert [file.name for file in path.parent.iterdir()] == ["auth_token"]
    assert require_token("a cluster") == path.read_text()


def test_a_token_that_is_there_is_kept_and_closed_to_others(home: Path) -> None:
    path = home / ".ray" / "auth_token"
    path.parent.mkdir(mode=0o755)
    path.write_text("a token of old")
    path.chmod(0o644)
    guard_token()
    assert (mode(path), mode(path.parent), path.read_text()) == (0o600, 0o700, "a token of old")


def test_a_token_in_the_environment_needs_no_file(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAY_AUTH_TOKEN", "secret")
    guard_token()
    assert require_token("a cluster") == "secret"
    assert not (home / ".ray").exists()


def test_a_token_that_can_not_be_kept_is_a_pool_error_with_the_fix(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (home / "file").write_text("")
    monkeypatch.setenv("RAY_AUTH_TOKEN_PATH", str(home / "file" / "token"))
    with pytest.raises(PoolError, match="set RAY_AUTH_TOKEN_PATH to a file of your own"):
        guard_token()


async def test_an_address_where_nobody_listens_is_a_pool_error_with_the_fix() -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{closed.getsockname()[1]}"
        with pytest.raises(PoolError, match=f"Ray can't be reached at {address}: Connection refused; start it there"):
            await asyncio.to_thread(find, address)


def test_importing_the_room_does_not_import_ray() -> None:
    subprocess.run([sys.executable, "-c", "import cluster, sys; assert 'ray' not in sys.modules"], check=True)


ALONE = """
import asyncio, psutil, re
from pathlib import Path
from cluster.ray.session import RaySession
session = RaySession(cores=1, object_store_bytes=80_000_000)
asyncio.run(session.start())
words = " ".join(word for child in psutil.Process().children() for word in child.cmdline())
(folder,) = {Path(found) for found in re.findall(r"--temp-dir=(\\S+)/ray ", words)}
print(oct(folder.stat().st_mode & 0o777))
asyncio.run(session.close())
print(folder.exists())
"""


def test_the_ray_of_a_run_lies_where_nobody_else_can_write_and_leaves_nothing() -> None:
    environment = {key: value for key, value in os.environ.items() if not key.startswith("RAY_")}
    process = subprocess.run(
        [sys.executable, "-c", ALONE], env=environment, capture_output=True, text=True, timeout=120
    )
    assert process.stdout.split() == ["0o700", "False"], process.stderr


async def test_a_session_that_was_not_started_closes_quietly() -> None:
    await RaySession().close()
