"""A claim: a sentence that people say of such networks, and the recorded figures that decide whether it is so.

    [[claims]]
    claim = "A validator earns as much by copying weights as by grading."
    command = "subnetlab study weight-copying"
    study = "weight-copying"
    above = 1.0
    cases = [{section = "weight_copying_churn_0.05", row = {variant = "yuma1"}, figure = "gain_0"}]
    not_shown = "The cost of grading is not counted."

A case holds if the whole interval of its figure is on the claim's side of the bound, and fails if it is on the
other side.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal, Self

from pydantic import Field, ValidationError, model_validator

from lab.config.base import Table
from lab.errors import ConfigError
from subnets.explanation import explain
from subnets.toml_file import read_toml

SHIPPED = Path(__file__).with_name("claims.toml")
Verdict = Literal["holds", "fails", "depends", "open", "not recorded", "can't be settled here"]
"""`depends`: on the case. `open`: an interval spans the bound. `not recorded`: a study has yet to be run."""


class Case(Table):
    """One figure of a study."""

    where: str = Field("", max_length=80)
    """The circumstances, if there are several cases."""
    section: str
    """Key of the section that has the figure."""
    row: dict[str, str | int | float] = {}
    """Cells that choose the row; none takes the first."""
    figure: str
    """Key of the figure's column."""


class Claim(Table):
    """One claim, and the rule that decides it."""

    claim: str = Field(min_length=10, max_length=200)
    """The claim in a sentence."""
    command: str = ""
    """The command that records the study; empty if none can settle it."""
    study: str = ""
    """Name of the recorded study."""
    above: float | None = None
    """The claim holds above this bound."""
    below: float | None = None
    """The claim holds below this bound."""
    cases: tuple[Case, ...] = ()
    """Figures that decide it, one for each circumstance."""
    unit: str = ""
    """Printed behind each figure."""
    scale: float = Field(1.0, gt=0.0)
    """Factor from a recorded figure to the printed one: 100 for percent."""
    not_shown: str
    """What the figure does not show, or why nothing can settle the claim."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        if not self.cases and (self.study or self.command or self.above is not None or self.below is not None):
            raise ValueError(".cases: there is none; name the figures that decide the claim")
        if self.cases and not (self.study and self.command):
            raise ValueError(".study: it or .command is missing; name the study and the command that records it")
        if self.cases and (self.above is None) == (self.below is None):
            raise ValueError(".above: give it or .below, the bound beyond which the claim holds")
        if len({case.where for case in self.cases}) < len(self.cases):
            raise ValueError(".cases: two have the same `where`; name the circumstances of each")
        return self


class Claims(Table):
    """A file of claims."""

    claims: tuple[Claim, ...] = Field(min_length=1)

    @classmethod
    def read(cls, path: Path = SHIPPED) -> Self:
        """Read a file of claims, by default the shipped one.

        Raises:
            ConfigError: a key is unknown, missing or wrong.
        """
        try:
            return cls.model_validate(read_toml(path))
        except ValidationError as error:
            raise ConfigError(f"{path}: {explain(error, cls).removeprefix('.')}") from None
