"""Miners over HTTP: an axon serves a miner, a dendrite queries somebody else's. The protocol is in docs/remote.md."""

from .axon import Axon
from .dendrite import Dendrite
from .limits import Limits
from .protocol import Code, Envelope, Question, Refusal
from .wires import Protocol, wire_of

__all__ = ["Axon", "Code", "Dendrite", "Envelope", "Limits", "Protocol", "Question", "Refusal", "wire_of"]
