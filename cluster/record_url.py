"""The URL of a record in a database. Configs are copied and displayed, so their URLs hold no secrets."""

from __future__ import annotations

SECRETS = ("password", "passwd", "pwd")
"""Words in the names of database settings that hold a password; each driver has its own names."""


def without_password(url: str) -> str:
    """Return a SQLAlchemy URL unchanged.

    Raises:
        ValueError: it is not such a URL, or holds a password, after the user's name or in the query.
    """
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import ArgumentError

    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        raise ValueError("not a database URL; write one as in postgresql+psycopg://user@host/runs") from None
    query = "".join(f"{key}={value} " for key, value in parsed.query.items()).lower()
    if parsed.password or any(secret in query for secret in SECRETS):
        raise ValueError("the URL holds a password; leave it out and set PGPASSWORD or use ~/.pgpass")
    return url
