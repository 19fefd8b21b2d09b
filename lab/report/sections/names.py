"""How the sections name neurons."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import isclose

from lab.results.neurons import NeuronResult
from lab.results.words import listed, quoted

from ..section import Label

DISHONEST = "not honest"
MOST_DRAWN = 60
"""Miners in a picture with a row for each; the tables list all."""
MOST_NAMED = 4
"""Names in one sentence; of more neurons it gives some, and how many more there are."""


def label(neuron: NeuronResult, note: str = "") -> Label:
    """Return a neuron's name for a table or a picture."""
    return Label(neuron.name, "" if neuron.honest else DISHONEST, note)


def named(neuron: NeuronResult) -> str:
    """Return a neuron's name for a sentence."""
    return quoted(neuron.name) if neuron.honest else f"{quoted(neuron.name)} ({DISHONEST})"


def all_named(neurons: Sequence[NeuronResult]) -> str:
    """Return the names of neurons for a sentence, or some of them and how many more there are."""
    if len(neurons) <= MOST_NAMED:
        return listed(map(named, neurons))
    return listed([*map(named, neurons[: MOST_NAMED - 1]), f"{len(neurons) - MOST_NAMED + 1:,} more"])


def tied(
    neurons: Sequence[NeuronResult], figure: Callable[[NeuronResult], float], first: NeuronResult
) -> list[NeuronResult]:
    """Return the neurons whose figure is that of one of them, itself included."""
    return [neuron for neuron in neurons if isclose(figure(neuron), figure(first), rel_tol=1e-9, abs_tol=1e-12)]


def undrawn(miners: int) -> str:
    """Say how many miners a picture leaves out, after a space; empty if it shows all."""
    return f" The picture shows the best {MOST_DRAWN} of {miners:,} miners." if miners > MOST_DRAWN else ""
