"""Config of the grading study: every grader grades the same recorded answers, whose true quality is known.

    config = GradingConfig.read(Path("configs/studies/grading_ocr.toml"))
    measure(STUDY, config, Path("runs/study-grading"))

The first validator sets the tasks and asks all miners once; then each of the `[[graders]]` grades the answers. A grader
with a `reference` compares them with that miner's recorded answer instead of the truth, as a validator would that
answers its own tasks with the miner's means.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Annotated, Any, Self

from pydantic import Field, model_validator

from lab.config.base import Name, Table
from lab.config.run_config import RunConfig
from lab.config.tables import ChainTable
from lab.studies.arm import Arm, subset
from lab.studies.study import StudyConfig
from miners import Miner
from miners.adversaries import Oracle
from subnets import SUBNETS, Scorer, Subnet
from validators import SCORERS, WindowScorer

ANSWERS, PARADOX, OTHER = "answers", "paradox", "other"
"""Names of the arms."""
Share = Annotated[float, Field(ge=0.0, le=1.0)]


def answers_truly(miner: Miner) -> bool:
    """Return True if a miner answers as well as it can, or is an oracle, which serves as a yardstick."""
    return miner.honest or isinstance(miner, Oracle)


class GraderTable(Table):
    """A `[[graders]]` table: a scorer whose grades are compared with the truth."""

    name: Annotated[Name, Field(max_length=24)]
    """Name in tables and figures."""
    scorer: Annotated[Scorer | None, *SCORERS.optional_field()] = None
    """Scorer that grades; omit it to take the subnet's default."""
    reference: str | None = None
    """Miner whose recorded answers replace the truth, as the validator's own; omit it to compare with the
    truth."""
    probability: bool = False
    """True if the score claims to be the probability that an answer is right."""
    tasks: int | None = Field(None, ge=1)
    """Number of tasks to grade, for a slow grader; omitted, or with `--full`, all."""
    repeats: int = Field(2, ge=1, le=10)
    """Number of times that each answer is graded."""
    probed_tasks: int | None = Field(None, ge=0)
    """Tasks on which biases are probed, at three more grades an answer; omit it to take
    `grading.probed_tasks`."""


class ParadoxTable(Table):
    """The `[grading.paradox]` table: validators of known accuracy that grade oracles by their own answers."""

    subnet: Annotated[Subnet, *SUBNETS.field()] = Field(
        default_factory=lambda: SUBNETS.load({"kind": "text_prompting", "mix": {"multiple_choice": 1.0}})
    )
    """Subnet whose tasks offer choices."""
    wrong: int = Field(3, ge=1, le=100)
    """K: number of wrong options of a task."""
    validators: tuple[Share, ...] = Field((0.3, 0.5, 0.7, 0.9, 1.0), min_length=1)
    """Accuracies of the validators."""
    miners: tuple[Share, ...] = Field((0.5, 0.6, 0.7, 0.8, 0.9), min_length=2)
    """Accuracies of the miners."""
    rounds: int = Field(120, ge=2)
    """Rounds of each validator."""


class GradingTable(Table):
    """The `[grading]` table: how many tasks are graded, and how grades become pay."""

    tasks: int = Field(24, ge=2)
    """Number of tasks."""
    full_tasks: int = Field(200, ge=2)
    """Number of tasks with `--full`."""
    probe_rounds: int = Field(2, ge=2)
    """Rounds of the probe, which the forecast is based on."""
    right_at: float = Field(0.5, gt=0.0, le=1.0)
    """True quality at and above which an answer counts as right."""
    probed_tasks: int = Field(8, ge=1)
    """Tasks on which biases are probed, unless a grader sets its own number."""
    rounds_per_epoch: int = Field(2, ge=1)
    """Rounds of each validator in an epoch when grades are turned into pay."""
    validators: int = Field(3, ge=1)
    """Validators that share the tasks when grades are turned into pay."""
    paradox: ParadoxTable | None = None
    """Simulated validators; omit the table for none."""
    other_subnet: Annotated[Subnet | None, *SUBNETS.optional_field()] = None
    """Subnet whose tasks the same miners answer too, to see if their ranking holds there: real documents, for instance,
    beside synthetic pages."""


class GradingConfig(StudyConfig):
    """A run's config, the graders, and the size of the study."""

    graders: tuple[GraderTable, ...] = Field(min_length=1)
    grading: GradingTable = GradingTable()

    @model_validator(mode="after")
    def _check_graders(self) -> Self:
        names = Counter(grader.name for grader in self.graders)
        if repeated := [name for name, times in names.items() if times > 1]:
            raise ValueError(f".graders: the name {repeated[0]!r} is used twice; give each table a name of its own")
        honest = [
            name for name, miner in zip(self.miner_names, self.build_miners(), strict=True) if answers_truly(miner)
        ]
        for place, grader in enumerate(self.graders):
            if isinstance(grader.scorer, WindowScorer):
                raise ValueError(
                    f".graders[{place}].scorer: {SCORERS.spec(grader.scorer)['kind']!r} grades the rounds of an epoch "
                    "together, and the study grades each round alone; name another scorer, or run it as a validator's"
                )
            if grader.reference is not None and grader.reference not in self.miner_names:
                raise ValueError(
                    f".graders[{place}].reference: no miner is called {grader.reference!r}; "
                    f"known: {', '.join(self.miner_names)}"
                )
            if not set(honest) - {grader.reference}:
                exception = "" if grader.reference is None else f" other than its reference {grader.reference!r}"
                raise ValueError(
                    f".graders[{place}]: {grader.name!r} has no honest miner to be judged by{exception}; "
                    "add a [[miners]] table of an honest one or an oracle"
                )
        return self

    def scorers(self) -> Iterator[tuple[str, Scorer | None]]:
        """Yield the scorers of the validators and those of the graders."""
        yield from super().scorers()
        for place, grader in enumerate(self.graders):
            yield f"graders[{place}].scorer", grader.scorer

    def at_length(self, *, full: bool) -> Self:
        """Return the config in which, in the long form, every grader grades every task."""
        unlimited = {"tasks": None, "probed_tasks": None}
        graders = tuple(grader.model_copy(update=unlimited) for grader in self.graders)
        return self.model_copy(update={"graders": graders}) if full else self

    def probed_tasks(self, grader: GraderTable) -> int:
        """Return the most tasks on which a grader's biases are probed."""
        return self.grading.probed_tasks if grader.probed_tasks is None else grader.probed_tasks

    def arms(self, *, full: bool) -> list[Arm]:
        """Return the run in which all miners answer, that of the simulated validators, and that on the other subnet."""
        tasks = self.grading.full_tasks if full else self.grading.tasks
        arms = [self._answers(ANSWERS, tasks)]
        if self.grading.paradox is not None:
            arms.append(self._paradox(self.grading.paradox))
        if self.grading.other_subnet is not None:
            arms.append(self._answers(OTHER, tasks, subnet=SUBNETS.spec(self.grading.other_subnet)))
        return arms

    def probe(self) -> Arm:
        """Return the short run that the forecast is based on."""
        return self._answers("probe", self.grading.probe_rounds)

    def _answers(self, name: str, rounds: int, **changes: Any) -> Arm:
        chain = ChainTable(epochs=1, rounds_per_epoch=rounds).model_dump(mode="json")
        return Arm(name, subset(self, validators=1, chain=chain, bare={"every": 0}, **changes))

    def _paradox(self, table: ParadoxTable) -> Arm:
        """Return a run of oracles and of validators that compare with answers of their own."""
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
        return Arm(PARADOX, RunConfig.parse(run, source="grading.paradox"))
