"""Miners over HTTP: the axon serves one, the dendrite asks one of somebody else. docs/remote.md has the protocol."""

from .axon import Axon
from .dendrite import Dendrite
from .limits import Limits
from .protocol import Code, Envelope, Question, Refusal

__all__ = ["Axon", "Code", "Dendrite", "Envelope", "Limits", "Question", "Refusal"]
