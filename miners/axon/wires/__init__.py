"""Protocols of signed HTTP requests: our own, btauth/1, and the synapses of axon and dendrite."""

from .btauth import BtAuth
from .own import OwnWire
from .registry import Protocol, wire_of
from .wire import Claim, Reply, SignedRequest, Wire

__all__ = ["BtAuth", "Claim", "OwnWire", "Protocol", "Reply", "SignedRequest", "Wire", "wire_of"]
