"""Existing networks: the runs, references and grades behind one answer at their published defaults.

The counts come from each network's published code; the cost of a run is always the measured one.
"""

from __future__ import annotations

from dataclasses import dataclass

from lab.statistics import Estimate

from .points import UnitCosts


@dataclass(frozen=True, slots=True)
class Network:
    """One network."""

    name: str
    runs: float
    """Miner runs behind one answer that is kept."""
    references: float
    """Answers by the validator's own model, in runs of a model of the miners' size."""
    grades: float
    """Grades of single answers."""
    source: str

    def overhead(self, unit: UnitCosts) -> Estimate:
        """Bill the network at these unit costs; no value if nothing was measured."""
        return unit.overhead(runs=self.runs, references=self.references, grades=self.grades)


NETWORKS = {
    "ocr": (Network("ocr_subnet", 10, 0, 10, "10 miners and 10 grades for one rendered page"),),
    "text_prompting": (
        Network("cortex.t", 1, 1, 1, "one miner; the validator pays for the same request a second time"),
        Network("prompting 2.x", 100, 1, 100, "100 miners; one reference by a model of their size (70B both)"),
        Network("text-prompting, 7 steps", 350, 0, 700, "7 steps of 50 completions, each through 2 reward models"),
        Network("text-prompting, 9 steps", 450, 0, 900, "9 steps of 50 completions, each through 2 reward models"),
        Network("apex, logits", 100, 0, 5100, "100 miners, up to 51 positions of each verified"),
    ),
}
"""Networks that do the same kind of work, by the name of our subnet."""


def networks(subnet: str) -> tuple[Network, ...]:
    """Return the networks that do a subnet's kind of work; none for a subnet outside this checkout."""
    return NETWORKS.get(subnet, ())
