"""Who grades the graders: every grader on the very same recorded answers, whose truth is known.

    config = GradingConfig.read(Path("configs/studies/grading_ocr.toml"))
    measure(config, Path("runs/study-grading"))

The first validator sets the tasks and asks all miners once; then each of the `[[graders]]` grades what they
answered. A grader with a `reference` compares with the recorded answer of that miner in place of the truth:
a validator that answers its own tasks with the miner's means.
"""

from __future__ import annotations

from collections import Counter
from typing import Annotated, Any, ClassVar, Self

from pydantic import Field, model_validator

from lab.config.base import Name, Table
from lab.config.run_config import RunConfig
from lab.config.tables import ChainTable
from lab.record.record import RunRecord
from lab.report.section import Publication
from lab.studies.arm import Arm, subset
from lab.studies.study import StudyConfig
from lab.studies.study_folder import Study, Watch
from miners import Miner
from miners.adversaries import Oracle
from subnets import SUBNETS, Scorer, Subnet
from validators import SCORERS

Share = Annotated[float, Field(ge=0.0, le=1.0)]


def answers_truly(miner: Miner) -> bool:
    """Whether a miner answers as well as it can, or is a yardstick: an oracle."""
    return miner.honest or isinstance(miner, Oracle)


class GraderTable(Table):
    """A `[[graders]]` table."""

    name: Annotated[Name, Field(max_length=24)]
    scorer: Annotated[Scorer | None, *SCORERS.optional_field()] = None
    """None takes the subnet's own."""
    reference: str | None = None
    """A miner, whose recorded answer stands in for the truth: the validator's own answer. None: the truth."""
    probability: bool = False
    """Whether its score claims to be the probability that an answer is right."""
    tasks: int | None = Field(None, ge=1)
    """Grade the first so many tasks alone, for a grader that is slow; None: all, as with `--full`."""
    repeats: int = Field(2, ge=1, le=10)
    """How often each answer is graded."""
    probed_tasks: int | None = Field(None, ge=0)
    """Probe its biases on so many tasks, at three more grades an answer; None: as many as the others."""


class ParadoxTable(Table):
    """The `[grading.paradox]` table: validators of known accuracy that grade oracles by their own answers."""

    subnet: Annotated[Subnet, *SUBNETS.field()] = Field(
        default_factory=lambda: SUBNETS.load({"kind": "text_prompting", "mix": {"multiple_choice": 1.0}})
    )
    """Whose tasks are choices."""
    wrong: int = Field(3, ge=1, le=100)
    """K: wrong options of its tasks."""
    validators: tuple[Share, ...] = Field((0.3, 0.5, 0.7, 0.9, 1.0), min_length=1)
    """Their accuracies."""
    miners: tuple[Share, ...] = Field((0.5, 0.6, 0.7, 0.8, 0.9), min_length=2)
    rounds: int = Field(120, ge=2)
    """Of each validator."""


class GradingTable(Table):
    """The `[grading]` table."""

    tasks: int = Field(24, ge=2)
    full_tasks: int = Field(200, ge=2)
    """Of `--full`."""
    probe_rounds: int = Field(2, ge=2)
    """Of the run that the forecast is made from."""
    right_at: float = Field(0.5, gt=0.0, le=1.0)
    """True quality from which an answer counts as right."""
    probed_tasks: int = Field(8, ge=1)
    """Tasks on which biases are probed, where a grader does not say."""
    rounds_per_epoch: int = Field(2, ge=1)
    """Of each validator, where grades are turned into pay."""
    validators: int = Field(3, ge=1)
    """That share the tasks where grades are turned into pay."""
    paradox: ParadoxTable | None = None
    """None leaves the simulated validators out."""


class GradingConfig(StudyConfig):
    """A run's config, the graders, and how much of it."""

    study: ClassVar[str] = "grading"

    graders: tuple[GraderTable, ...] = Field(min_length=1)
    grading: GradingTable = GradingTable()

    @model_validator(mode="after")
    def _check_graders(self) -> Self:
        names = Counter(grader.name for grader in self.graders)
        if twice := [name for name, times in names.items() if times > 1]:
            raise ValueError(f".graders: the name {twice[0]!r} is used twice; give each table a name of its own")
        known = ", ".join(self.miner_names)
        honest = [
            name for name, miner in zip(self.miner_names, self.build_miners(), strict=True) if answers_truly(miner)
        ]
        for place, grader in enumerate(self.graders):
            if grader.reference is not None and grader.reference not in self.miner_names:
                asked = f".graders[{place}].reference: no miner is called {grader.reference!r}"
                raise ValueError(f"{asked}; known: {known}")
            if not set(honest) - {grader.reference}:
                beside = "" if grader.reference is None else f" beside its reference {grader.reference!r}"
                raise ValueError(
                    f".graders[{place}]: {grader.name!r} has no honest miner to be judged by{beside}; "
                    "add a [[miners]] table of an honest one or an oracle"
                )
        return self

    def at_length(self, *, full: bool) -> Self:
        """Return the config in which, in the long form, no grader is spared any task."""
        spared = {"tasks": None, "probed_tasks": None}
        graders = tuple(grader.model_copy(update=spared) for grader in self.graders)
        return self.model_copy(update={"graders": graders}) if full else self

    def probed_tasks(self, grader: GraderTable) -> int:
        """Return on how many tasks a grader's biases are probed at most."""
        return self.grading.probed_tasks if grader.probed_tasks is None else grader.probed_tasks

    def tasks(self, *, full: bool) -> int:
        """Return how many tasks are asked."""
        return self.grading.full_tasks if full else self.grading.tasks

    def arms(self, *, full: bool) -> list[Arm]:
        """Return the run that has all miners answer, and that of the simulated validators if it is wanted."""
        found = [self._answers("answers", self.tasks(full=full))]
        return found if self.grading.paradox is None else [*found, self._paradox(self.grading.paradox)]

    def probe(self) -> Arm:
        """Return the short run that the forecast is made from."""
        return self._answers("probe", self.grading.probe_rounds)

    def _answers(self, name: str, rounds: int) -> Arm:
        chain = ChainTable(epochs=1, rounds_per_epoch=rounds).model_dump(mode="json")
        return Arm(name, subset(self, validators=1, chain=chain, bare={"every": 0}))

    def _paradox(self, table: ParadoxTable) -> Arm:
        """Return a run of validators that compare with answers of their own, and oracles."""
        run: dict[str, Any] = {
            "seed": self.seed,
            "subnet": SUBNETS.spec(table.subnet),
            "miners": [{"name": f"m{p:g}", "kind": "oracle", "p": p} for p in table.miners],
            "validators": [
                {"name": f"a{accuracy:g}", "scorer": {"kind": "own_answer", "accuracy": accuracy}}
                for accuracy in table.validators
            ],
            "chain": {"epochs": 1, "rounds_per_epoch": table.rounds},
            "pool": self.pool.model_dump(mode="json"),
            "prices": self.prices.model_dump(mode="json"),
            "bare": {"every": 0},
        }
        return Arm("paradox", RunConfig.parse(run, source="grading.paradox"))

    def foresee_more(self, study: Study, probe: RunRecord, *, full: bool) -> dict[str, float]:
        """Foresee the grading, by grading what the probe's miners answered."""
        from .regrade import foresee

        return foresee(self.at_length(full=full), study, probe, self.tasks(full=full))

    def publication(self, study: Study, *, full: bool, watch: Watch) -> Publication:
        """Grade what is not graded yet, then work out how good every grader is."""
        from lab.studies.grading.page.overview import publication

        from .grades import GradingData
        from .regrade import regrade

        config, arms = self.at_length(full=full), {arm.name: arm for arm in self.arms(full=full)}
        regrade(config, study, arms["answers"], watch)
        return publication(GradingData.of(config, study, arms), config, study.folder)
