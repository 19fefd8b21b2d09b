"""Load code that is written for the package `bittensor`: the real one where it is installed, our stand-in elsewhere.

From version 11 on the package has no Synapse, axon or dendrite, so that the stand-in takes its place there as well.
"""

from __future__ import annotations

import inspect
import json
import os
import sys
from collections.abc import Coroutine
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from typing import Any

from subnets.errors import PluginError
from subnets.plugin import import_object, require_trust

FORCE_STAND_IN = "SUBNETLAB_STAND_IN"
"""Environment variable that puts the stand-in in the package's place: a real wallet, subtensor or metagraph needs a
chain."""
FIRST_WITHOUT_SYNAPSES = 11
"""Major version of the package that removed them."""
OWN_FIELDS = ("name", "timeout", "total_size", "header_size", "dendrite", "axon", "computed_body_hash")
"""Fields that every synapse has; the others are a protocol's own."""


def load(source: str, what: str) -> Any:
    """Import "module:name" of a user.

    Raises:
        PluginError: only installed code is trusted, or it can't be imported.
    """
    require_trust(source, f"{what} {source!r}")
    return _imported(source, what)


@cache
def _imported(source: str, what: str) -> Any:
    if ":" not in source:
        raise PluginError(f"{what} {source!r}: write module:name, as in mysubnet.protocol:MySynapse")
    bittensor()
    return import_object(source, f"{what} {source!r}")


def bittensor() -> Any:
    """Return the package, after putting the stand-in in its place if none with synapses is installed."""
    if "bittensor" not in sys.modules and not _has_synapses():
        from . import stand_in

        sys.modules["bittensor"] = stand_in
    import bittensor  # type: ignore[import-not-found, unused-ignore]

    return bittensor


def _has_synapses() -> bool:
    if os.environ.get(FORCE_STAND_IN) or find_spec("bittensor") is None:
        return False
    try:
        return int(version("bittensor").partition(".")[0]) < FIRST_WITHOUT_SYNAPSES
    except (PackageNotFoundError, ValueError):  # a checkout of the package on the path
        return True


def protocol_of(source: str) -> type[Any]:
    """Load a protocol: a subclass of `bittensor.Synapse`; raises PluginError if it is none."""
    protocol = load(source, "protocol")
    base = bittensor().Synapse
    if not (isinstance(protocol, type) and issubclass(protocol, base)):
        raise PluginError(f"protocol {source!r} is not a subclass of bittensor.Synapse")
    return protocol


def packed(synapse: Any) -> str:
    """Write a synapse's own fields as JSON."""
    return json.dumps(synapse.model_dump(mode="json", exclude=set(OWN_FIELDS)), sort_keys=True)


def finished(result: Any) -> Any:
    """Return a value, or that of a coroutine which waits for nothing; raises RuntimeError if it waits."""
    if not isinstance(result, Coroutine):
        return result
    try:
        result.send(None)
    except StopIteration as end:
        return end.value
    result.close()
    raise RuntimeError("blacklist and priority must not wait: they are called before any work is done")


def takes(function: Any, name: str) -> bool:
    """Return whether a function has a parameter of a name."""
    return name in inspect.signature(function).parameters
