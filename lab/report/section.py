"""Sections: one question of a report each, with its answer in words, figures, a table and a picture.

    Section("pay", "Who was paid", Caption("A earned most.", "Costs are left out."), columns, rows, Picture(draw))

A section says nothing about how it looks: `html`, `terminal` and `export` (CSV, PNG, JSON) render it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lab.statistics import Estimate

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


@dataclass(frozen=True, slots=True)
class Label:
    """A name in a table, with what has to be known about it."""

    text: str
    tag: str = ""
    """A warning: "not honest"."""
    note: str = ""
    """More about it, in smaller print: the kind of a miner."""
    colour: str = ""
    """CSS variable of `palette` that a swatch before the name has: "c0"."""
    href: str = ""
    """Address of the page about it, where there is one."""

    def __str__(self) -> str:
        """Return the name, with an asterisk if there is a warning."""
        return f"{self.text}*" if self.tag else self.text


Cell = str | int | float | bool | Estimate | Label | None


@dataclass(frozen=True, slots=True)
class Caption:
    """What a section shows and what it does not, in plain sentences."""

    shows: str
    not_shown: str


NO_CAPTION = Caption("", "")
"""For a section whose figures speak for themselves."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a table."""

    key: str
    """Name in CSV and JSON, unit included: "cpu_s"."""
    title: str
    """Name on the page and in the terminal."""
    digits: int = 3
    unit: str = ""
    """Printed behind each value: "×", " %"."""
    scale: float = 1.0
    """Factor from a value in the files to the one that is printed: 100 for a share in percent."""
    significant: bool = False
    """True if `digits` counts significant digits, not decimals."""
    shaded: bool = False
    """True if the page shades each cell by its share of the largest in all shaded columns."""
    names: bool = False
    """True if the value names the row, as a uid does: a 0 is then a name like any other, not an empty amount."""
    bar: bool = False
    """True if the page draws a bar next to each value, as long as its share of the largest."""


@dataclass(frozen=True, slots=True)
class Fact:
    """One named figure outside of the table."""

    column: Column
    """How it is called and printed."""
    value: Cell


@dataclass(frozen=True, slots=True)
class Picture:
    """A chart of a section."""

    draw: Callable[[Axes], Figure]
    height_px: float = 320
    phone_px: float = 300


@dataclass(frozen=True, slots=True)
class Exhibit:
    """Something to look at; everything in it may have been written by a stranger."""

    title: str
    picture: str = ""
    """A data URL; empty if there is none."""
    texts: tuple[str, ...] = ()
    """What is shown where there is no picture."""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Section:
    """One question and its answer: a picture, a plain sentence, a table."""

    key: str
    """Names its files."""
    title: str
    caption: Caption
    columns: tuple[Column, ...] = ()
    rows: tuple[tuple[Cell, ...], ...] = ()
    """Each aligned with `columns`; the first cell names the row."""
    picture: Picture | None = None
    facts: tuple[Fact, ...] = ()
    """Figures that stand above the table."""
    groups: tuple[int, ...] = ()
    """Rows that begin a new group."""
    sums: tuple[int, ...] = ()
    """Rows that add up others."""
    exhibits: tuple[Exhibit, ...] = ()
    """Shown on the page instead of the table."""

    def __post_init__(self) -> None:
        for row in self.rows:
            if len(row) != len(self.columns):
                raise ValueError(f"section {self.key}: a row of {len(row)} cells under {len(self.columns)} columns")

    @property
    def tags(self) -> list[str]:
        """Warnings that names in the table have."""
        return sorted({cell.tag for row in self.rows for cell in row if isinstance(cell, Label) and cell.tag})

    def aligns_left(self, place: int) -> bool:
        """Return whether a column holds names or words; numbers are aligned to the right."""
        return place == 0 or any(isinstance(row[place], str | Label) for row in self.rows)


@dataclass(frozen=True, slots=True)
class Publication:
    """Everything that a run or a study found."""

    name: str
    """The study, or the folder of the run."""
    title: str
    findings: tuple[str, ...]
    """The answers, a sentence each, the most important first."""
    sections: tuple[Section, ...]
    facts: tuple[tuple[str, str], ...] = ()
    """What was run, by name."""
    links: tuple[tuple[str, str], ...] = ()
    """Further pages in the same folder: title and path."""
    kind: str = "study"
    """What it is about: "study", "run"."""
    meta: str = ""
    """A line under the title."""
    closing: str = ""
    """A sentence under what was run."""
    appendices: tuple[tuple[str, str], ...] = ()
    """Long texts that can be opened: title and content."""
