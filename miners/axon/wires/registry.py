"""The protocols by name, as configs and the command line give them."""

from __future__ import annotations

from typing import Literal

from subnets.template.loading import protocol_of

from .btauth import BtAuth
from .own import OwnWire
from .wire import Wire

Protocol = Literal["subnetlab", "btauth", "synapse"]


def wire_of(protocol: Protocol, synapse: str = "") -> Wire:
    """Build a wire; `synapse` names a protocol of one's own as "module:Class".

    Raises:
        PluginError: the synapse can't be imported, or is none.
        ValueError: a synapse is given for another protocol.
    """
    if synapse and protocol != "synapse":
        raise ValueError(f'a synapse is only spoken with protocol = "synapse", not {protocol!r}')
    if protocol == "synapse":
        from .synapse import SynapseWire  # imports the package bittensor, or its stand-in

        return SynapseWire(protocol_of(synapse) if synapse else None)
    return BtAuth() if protocol == "btauth" else OwnWire()
