"""Studies that are measured on a pool: one command each over a config of their own.

config = OverheadConfig.read(Path("configs/studies/overhead_ocr.toml"))
measure(config, Path("runs/study-overhead"))
"""

from __future__ import annotations

from abc import abstractmethod
from pathlib import Path
from typing import ClassVar

from lab.config.run_config import RunConfig
from lab.record.record import RunRecord
from lab.record.run_folder import RunMode
from lab.report.publish import publish
from lab.report.section import Publication

from .arm import Arm
from .study_folder import Announce, Budget, Study, Watch


class StudyConfig(RunConfig):
    """A run's config, and what a study makes of it."""

    study: ClassVar[str]
    """Its command."""

    @abstractmethod
    def arms(self, *, full: bool) -> list[Arm]:
        """Return the runs to play; `full` is the long form of the study."""

    @abstractmethod
    def probe(self) -> Arm:
        """Return the short run that the forecast is made from."""

    def foresee_more(self, study: Study, probe: RunRecord, *, full: bool) -> dict[str, float]:
        """Foresee what `publication` still has to measure: wall seconds by name; nothing by default."""
        return {}

    @abstractmethod
    def publication(self, study: Study, *, full: bool, watch: Watch) -> Publication:
        """Work out the study's answers from the records of its arms."""


def measure(
    config: StudyConfig,
    folder: Path,
    *,
    full: bool = False,
    mode: RunMode = "new",
    budget: Budget | None = None,
    announce: Announce = lambda forecast: None,
    watch: Watch = lambda what, done, of: None,
) -> Publication:
    """Play a study's arms, and publish its answers into its folder.

    Raises:
        RecordError: the folder can't be used.
        BudgetError: it would take, or took, more than it may; what is done is kept.
    """
    study = Study(config.study, config, folder, mode)
    with study.claim():
        study.play(
            config.arms(full=full),
            probe=config.probe(),
            budget=budget,
            announce=announce,
            watch=watch,
            foresee_more=lambda probe: config.foresee_more(study, probe, full=full),
        )
        found = config.publication(study, full=full, watch=watch)
        publish(found, folder)
    return found
