"""Messages between the driver, a relay and its hosts. Named tuples: they pickle many times faster than dataclasses."""

from __future__ import annotations

from typing import NamedTuple

DRIVER = 0
"""The driver's number on a relay; hosts count from 1."""


class Expect(NamedTuple):
    """The driver announces a host."""

    host: int
    secret: bytes


class Expecting(NamedTuple):
    """The relay will let the host in."""

    host: int


class Body(NamedTuple):
    """A query, which reaches each machine and each host once."""

    query: int
    """Number of the query, by which later messages name it."""
    pickled: bytes


class Forget(NamedTuple):
    """No more miners will be given a query."""

    query: int


class Serve(NamedTuple):
    """A host gives miners a query."""

    host: int
    call: int
    """Number of this call."""
    query: int
    uids: tuple[int, ...]


class Cancel(NamedTuple):
    """A host cancels a call."""

    host: int
    call: int


class Answers(NamedTuple):
    """Responses of a call."""

    host: int
    call: int
    responses: bytes
    """A pickled tuple of responses, which the relay need not read."""
    cpu_s: float
    """CPU of the host's process so far."""
    last: bool
    """True if the call has ended."""


class Failed(NamedTuple):
    """A call ended without all of its responses; the host lives."""

    host: int
    call: int
    reason: str


class Gone(NamedTuple):
    """A host's connection has ended."""

    host: int


HostMessage = Body | Forget | Serve | Cancel
"""What a host receives."""
CallMessage = Answers | Failed
"""What a host sends."""
