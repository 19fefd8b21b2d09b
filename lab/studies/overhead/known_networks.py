"""Shapes of networks that exist: how many runs, references and grades are behind one answer, by their defaults.

Counts are the published ones of each network's code; what a run costs is measured, never taken from here.
"""

from __future__ import annotations

from dataclasses import dataclass

from lab.statistics import Estimate

from .config import Unit


@dataclass(frozen=True, slots=True)
class Shape:
    """One network."""

    name: str
    runs: float
    """Miner runs behind one answer that is kept."""
    references: float
    """Answers that the validator's own model writes, in runs of a model of the miners' size."""
    grades: float
    """Grades of single answers."""
    source: str

    def overhead(self, unit: Unit) -> Estimate:
        """Bill the network at these unit costs; without a value where nothing was measured."""
        return unit.overhead(runs=self.runs, references=self.references, grades=self.grades)


OCR = (Shape("ocr_subnet", 10, 0, 10, "10 miners and 10 grades for one rendered page"),)

TEXT = (
    Shape("cortex.t", 1, 1, 1, "one miner, and the same request paid by the validator once more"),
    Shape("prompting 2.x", 100, 1, 100, "100 miners, and one reference by a model of the miners' size (70B both)"),
    Shape("text-prompting, 7 steps", 350, 0, 700, "7 steps of 50 completions, each through 2 reward models"),
    Shape("text-prompting, 9 steps", 450, 0, 900, "9 steps of 50 completions, each through 2 reward models"),
    Shape("apex, logits", 100, 0, 5100, "100 miners, up to 51 positions of each verified"),
)


def shapes(subnet: str) -> tuple[Shape, ...]:
    """Return the networks that do a subnet's kind of work; none for a subnet of one's own."""
    return {"ocr": OCR, "text_prompting": TEXT}.get(subnet, ())
