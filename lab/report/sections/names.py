"""How the sections name neurons."""

from __future__ import annotations

from lab.results.neurons import NeuronResult

from ..section import Label

DISHONEST = "not honest"
MOST_DRAWN = 60
"""Miners in a picture with a row for each; the tables list all."""


def label(neuron: NeuronResult, note: str = "") -> Label:
    """Return a neuron's name for a table or a picture."""
    return Label(neuron.name, "" if neuron.honest else DISHONEST, note)


def named(neuron: NeuronResult) -> str:
    """Return a neuron's name for a sentence."""
    return neuron.name if neuron.honest else f"{neuron.name} ({DISHONEST})"


def undrawn(miners: int) -> str:
    """Say how many miners a picture leaves out, after a space; empty if it shows all."""
    return f" The picture shows the best {MOST_DRAWN} of {miners:,} miners." if miners > MOST_DRAWN else ""
