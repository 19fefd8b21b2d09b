"""The token that a Ray cluster asks for."""

from __future__ import annotations

import os
import secrets
from contextlib import suppress
from pathlib import Path

from cluster.errors import PoolError


def token_path() -> Path:
    """Return where Ray keeps the token of this user's clusters."""
    return Path(os.environ.get("RAY_AUTH_TOKEN_PATH") or Path.home() / ".ray" / "auth_token")


def require_token(address: str) -> str:
    """Return the token to show to the cluster at an address.

    Raises:
        PoolError: there is none here, or it can't be read.
    """
    if token := os.environ.get("RAY_AUTH_TOKEN"):
        return token
    try:
        return token_path().read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        raise PoolError(
            f"Ray at {address} asks for a token and there is none here: copy the head's ~/.ray/auth_token to "
            f"{token_path()}, or set RAY_AUTH_TOKEN_PATH to where it is (after `subnetlab cluster up`, "
            "~/.subnetlab/NAME/token)"
        ) from None
    except OSError as error:
        raise PoolError(f"Ray's token can't be read from {token_path()}: {error.strerror}") from error


def token_refused(address: str) -> str:
    """Return the message for a cluster that refuses this machine's token."""
    source = "RAY_AUTH_TOKEN" if os.environ.get("RAY_AUTH_TOKEN") else token_path()
    return f"Ray at {address} asks for another token than the one in {source}; copy the head's"


def guard_token(path: Path | None = None) -> None:
    """Create a token unless there is one, and keep others on this machine from reading it; by default, this user's.

    Raises:
        PoolError: its file can't be written.
    """
    if path is None:
        if os.environ.get("RAY_AUTH_TOKEN"):
            return
        path = token_path()
    try:
        if not path.parent.exists():
            path.parent.mkdir(mode=0o700, parents=True)
        elif path.parent.name == ".ray":
            path.parent.chmod(0o700)
        if not path.exists():
            # The file is linked into place whole, so that of two runs one makes it and both read the same.
            draft = path.with_name(f"{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
            descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "w") as file:
                file.write(secrets.token_hex(32))
            with suppress(FileExistsError):
                os.link(draft, path)
            draft.unlink()
        path.chmod(0o600)
    except OSError as error:
        raise PoolError(
            f"Ray's token can't be kept in {path}: {error.strerror}; set RAY_AUTH_TOKEN_PATH to a file of your own"
        ) from error
