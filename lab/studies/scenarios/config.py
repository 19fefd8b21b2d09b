"""Config of a scenario: a run's config, what varies in it, and the one figure that it is made for.

    ScenarioConfig.read(Path("configs/scenarios/sybil_splitting.toml"))

Lines times points make the runs of a scenario, each played with every seed. A line or point changes keys of the config
by their dotted names, as flags of `subnetlab run` do.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from lab.config.base import Table
from lab.config.run_config import RunConfig, place_value
from lab.errors import ConfigError
from subnets import PluginError, Seed

from .measures import MEASURES, PREDICTIONS, Measure, Prediction, find

LEAST_SEEDS = 20


class Change(Table):
    """Some keys of the config, by their dotted names, and their values."""

    set: dict[str, Any] = {}
    """Dotted keys and their values: {"miners.1.count" = 4}."""


class Line(Change):
    """One line of the picture."""

    name: str = Field("", max_length=60)
    """Name in the table and the legend."""


class Point(Change):
    """One point of every line."""

    x: float
    """Its place on the horizontal axis."""


class At(Table):
    """A headline that is the measure at one point of one line."""

    kind: Literal["at"] = "at"
    line: str = ""
    """Name of the line (default: the first)."""
    x: float
    """The point."""


class Crossing(Table):
    """A headline that is the place where a line first reaches a level, between points by linear interpolation."""

    kind: Literal["crossing"] = "crossing"
    line: str = ""
    """Name of the line (default: the first)."""
    level: float
    """The level of the measure."""


Headline = Annotated[At | Crossing, Field(discriminator="kind")]


def _points(value: Any) -> Any:
    """Spell out points that change a single key: {key = "miners.1.count", values = [1, 2, 4]}."""
    if isinstance(value, dict) and value.keys() == {"key", "values"} and isinstance(value["values"], list):
        return [{"x": each, "set": {value["key"]: each}} for each in value["values"]]
    return value


class ScenarioTable(Table):
    """The `[scenario]` table: the claim, the figure that settles it, and what varies."""

    title: str = Field(max_length=80)
    """Title of the page."""
    claim: str = Field(min_length=10)
    """The claim in one sentence."""
    sentence: str
    """The finding, in which {headline} stands for the figure with its interval."""
    settles: str
    """What the figure settles."""
    not_shown: str
    """What it does not show."""
    measure: str
    """Name of a measure, or "module:function"."""
    party: str = ""
    """Neuron, table of neurons or coldkey that the measure is about."""
    beside: str = ""
    """Whom the party is compared with."""
    after: int = Field(0, ge=0)
    """First epoch that is measured."""
    x_title: str
    """Title of the horizontal axis."""
    y_title: str
    """Title of the vertical axis."""
    unit: str = ""
    """Printed behind the headline."""
    scale: float = Field(1.0, gt=0.0)
    """Factor from the headline's value to the one printed: 100 for percent."""
    digits: int = Field(2, ge=0, le=6)
    """Decimals of the headline."""
    lines: tuple[Line, ...] = (Line(),)
    points: Annotated[tuple[Point, ...], BeforeValidator(_points)] = Field(min_length=1)
    headline: Headline
    level: float | None = None
    """A horizontal line drawn for comparison."""
    predicted: str = ""
    """Name of a closed form, or "module:function", drawn beside the simulation; empty if there is none."""
    seeds: int = Field(LEAST_SEEDS, ge=2)
    """Number of runs of each point."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        names = [line.name for line in self.lines]
        if self.headline.line and self.headline.line not in names:
            known = ", ".join(map(repr, names))
            raise ValueError(f".headline.line: there is no line {self.headline.line!r}; known: {known}")
        if len(set(names)) < len(names):
            raise ValueError(".lines: two lines have the same name; give each a name of its own")
        places = [point.x for point in self.points]
        if places != sorted(set(places)):
            raise ValueError(".points: x must increase from point to point")
        if isinstance(self.headline, At) and self.headline.x not in places:
            known = ", ".join(f"{place:g}" for place in places)
            raise ValueError(f".headline.x: there is no point at {self.headline.x:g}; known: {known}")
        if "{headline}" not in self.sentence:
            raise ValueError('.sentence: it lacks "{headline}", which stands for the figure; add it')
        try:
            self.measured_by()
            self.predicted_by()
        except PluginError as error:
            raise ValueError(str(error)) from None
        return self

    def measured_by(self) -> Measure:
        """Return the measure."""
        return find(MEASURES, self.measure, "measure")

    def predicted_by(self) -> Prediction | None:
        """Return the closed form; None if there is none."""
        return find(PREDICTIONS, self.predicted, "predicted") if self.predicted else None

    @property
    def headline_line(self) -> int:
        """Place of the headline's line."""
        names = [line.name for line in self.lines]
        return names.index(self.headline.line) if self.headline.line else 0


class ScenarioConfig(RunConfig):
    """A run's config with the `[scenario]` table."""

    scenario: ScenarioTable

    def variant(self, line: int, point: int, seed: int) -> RunConfig:
        """Return the config of one run; runs of one seed have the same randomness wherever they are alike.

        Raises:
            ConfigError: a changed key does not exist or its value is wrong; both are named.
        """
        table = self.model_dump(mode="json", exclude={"scenario"})
        changes = {**self.scenario.lines[line].set, **self.scenario.points[point].set}
        for key, value in changes.items():
            place_value(table, key, value)
        table["seed"] = Seed(self.seed).child("scenario", seed).integer()
        where = f"scenario.lines[{line}], points[{point}]"
        return RunConfig.parse(table, source=where)

    def check(self, source: str) -> None:
        """Check the config of every line and point.

        Raises:
            ConfigError: `source`, the line and the point, the key and what is wrong with it.
        """
        try:
            for line in range(len(self.scenario.lines)):
                for point in range(len(self.scenario.points)):
                    self.variant(line, point, 0)
        except ConfigError as error:
            raise ConfigError(f"{source}: {error}") from None
