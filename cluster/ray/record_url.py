"""The URL of a record in a database, in the config of a run or a cluster: copied and shown, so it holds no secret."""

from __future__ import annotations

SECRETS = ("password", "passwd", "pwd")
"""In names of a database's settings, and in a whole line of them that is given as one; each driver has its own."""


def without_password(url: str) -> str:
    """Return a SQLAlchemy URL as it is.

    Raises:
        ValueError: it holds a password, as its own part or in its query, or is no such URL.
    """
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import ArgumentError

    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        raise ValueError("no URL of a database; write one as in postgresql+psycopg://user@host/runs") from None
    query = "".join(f"{key}={value} " for key, value in parsed.query.items()).lower()
    if parsed.password or any(secret in query for secret in SECRETS):
        raise ValueError("the URL holds a password; leave it out and set PGPASSWORD or use ~/.pgpass")
    return url
