"""Data of the design study: the search on one half of the recorded tasks, its figures on the other half."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import Self

from lab.record.completed_run import CompletedRun
from lab.studies.arm import Arm
from lab.studies.grading.grades import GradingData
from lab.studies.study_folder import StudyFolder

from .config import LAUNCHED, DesignConfig
from .foretold import Foretold, foretell
from .holdout import HeldOut
from .replay import ScoreTables
from .search import Finalists, pick, search
from .tables import read_tables


@dataclass(frozen=True, eq=False)
class DesignData:
    """Everything that the study found."""

    tables: ScoreTables
    miners: tuple[str, ...]
    finalists: Finalists
    picks: dict[str, int]
    """Places of the picked designs among the finalists: cheapest, balanced, hardest."""
    held: HeldOut
    foretold: tuple[Foretold, ...]
    took_s: float
    """Seconds that the search and the hold-out took."""

    @classmethod
    def read(cls, config: DesignConfig, study: StudyFolder, arms: Sequence[Arm]) -> Self:
        """Read the records, and search among the designs."""
        graded = GradingData.read(config, study, arms)
        tables = read_tables(config, study, arms, graded)
        with study.record(next(arm for arm in arms if arm.name == LAUNCHED)) as record:
            run = CompletedRun.of(record)
        started = perf_counter()
        designs = config.space().sample(config.design.designs, config.seed)
        rounds = config.design.rounds
        finalists = search(tables.at(slice(0, None, 2)), designs, rounds=rounds, seed=config.seed)
        held = HeldOut.of(tables.at(slice(1, None, 2)), finalists, rounds=rounds, seed=config.seed + 1_000)
        took_s = perf_counter() - started
        names = tuple(miner.name for miner in graded.miners)
        picks = pick(finalists.figures)
        return cls(tables, names, finalists, picks, held, foretell(config, tables, run), took_s)

    def gamer(self, place: int) -> str:
        """Return the name of the one who earns most from gaming a finalist."""
        column = int(self.finalists.figures.gamer[place])
        return "the weight copier" if column < 0 else self.miners[column]
