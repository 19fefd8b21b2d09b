"""Study: what to run or simulate, how to read the result, and the page that publishes it.

    config = STUDY.config.read(Path("configs/studies/overhead_ocr.toml"))
    measure(STUDY, config, Path("runs/study-overhead"))

A measured study plays its arms on a pool and reads their records. A simulated study computes everything from its
config. Both publish a list of sections.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, Self, TypeVar

from lab.config.run_config import RunConfig
from lab.record.record import RunRecord
from lab.record.run_folder import RunMode
from lab.report.export import write_csv
from lab.report.publish import publish
from lab.report.section import Publication, Section

from .arm import Arm
from .budget import Budget
from .study_folder import Announce, StudyFolder, Watch

Progress = Callable[[int, int], None]
"""Receives the steps done and the steps in total."""


class StudyConfig(RunConfig):
    """A run's config with the tables of a measured study."""

    @abstractmethod
    def arms(self, *, full: bool) -> list[Arm]:
        """Return the runs to play; `full` selects the long form of the study."""

    @abstractmethod
    def probe(self) -> Arm:
        """Return the short run that the forecast is based on."""

    def at_length(self, *, full: bool) -> Self:
        """Return the config to read the arms with; the long form may lift limits of the short one."""
        return self


ConfigT = TypeVar("ConfigT", bound=StudyConfig)
SettingsT = TypeVar("SettingsT")
DataT = TypeVar("DataT")


def no_further_work(config: Any, study: StudyFolder, arms: Sequence[Arm], watch: Watch) -> None:
    """Do nothing once the arms are played."""


def no_further_estimate(config: Any, study: StudyFolder, arms: Sequence[Arm], probe: RunRecord) -> dict[str, float]:
    """Estimate that nothing is left to do once the arms are played."""
    return {}


@dataclass(frozen=True, slots=True)
class MeasuredStudy(Generic[ConfigT, DataT]):
    """A study of runs."""

    name: str
    config: type[ConfigT]
    read: Callable[[ConfigT, StudyFolder, Sequence[Arm]], DataT]
    """Read the records of the arms."""
    page: Callable[[DataT, ConfigT, Path], Publication]
    """Write the findings and sections; the path is the study's folder, for files of the study's own."""
    after_arms: Callable[[ConfigT, StudyFolder, Sequence[Arm], Watch], None] = no_further_work
    """Work that follows the arms."""
    estimate_after_arms: Callable[[ConfigT, StudyFolder, Sequence[Arm], RunRecord], dict[str, float]] = (
        no_further_estimate
    )
    """Estimate that work from the probe's record: wall seconds on one core, by name."""


@dataclass(frozen=True, slots=True)
class SimulatedStudy(Generic[SettingsT, DataT]):
    """A study that needs no pool and no config file."""

    name: str
    config: Callable[[], SettingsT]
    """Make the default config."""
    simulate: Callable[[SettingsT, Progress], DataT]
    page: Callable[[DataT], Publication]
    tables: Callable[[DataT], tuple[Section, ...]]
    """Long tables, written as CSV next to the page."""
    summary: Callable[[DataT], dict[str, Any]]
    """Keys that `--json` prints in addition to the publication's."""


def measure(
    study: MeasuredStudy[ConfigT, DataT],
    config: ConfigT,
    folder: Path,
    *,
    full: bool = False,
    mode: RunMode = "new",
    budget: Budget | None = None,
    announce: Announce = lambda forecast: None,
    watch: Watch = lambda what, done, total: None,
) -> Publication:
    """Play a study's arms, and publish its results in its folder.

    Raises:
        RecordError: the folder can't be used.
        BudgetError: the study would exceed, or has exceeded, its budget; finished work is kept.
    """
    arms, settings = config.arms(full=full), config.at_length(full=full)
    held = StudyFolder(study.name, config, folder, mode)
    with held.claim():
        held.play(
            arms,
            probe=config.probe(),
            budget=budget,
            announce=announce,
            watch=watch,
            estimate_more=lambda probe: study.estimate_after_arms(settings, held, arms, probe),
        )
        study.after_arms(settings, held, arms, watch)
        publication = study.page(study.read(settings, held, arms), settings, folder)
        publish(publication, folder)
    return publication


def simulate(
    study: SimulatedStudy[SettingsT, DataT],
    folder: Path,
    *,
    config: SettingsT | None = None,
    progress: Progress = lambda done, total: None,
) -> DataT:
    """Run a simulated study, publish its results in a folder, and return its data."""
    data = study.simulate(study.config() if config is None else config, progress)
    publish(study.page(data), folder)
    for table in study.tables(data):
        write_csv(table, folder / f"{table.key}.csv")
    return data
