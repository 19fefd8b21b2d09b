"""What `subnetlab run --dry-run` shows: what will run, and what it takes, by the last run of the same name."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lab.duration import duration
from lab.results.words import counted

if TYPE_CHECKING:
    from lab.config.run_config import RunConfig


@dataclass(frozen=True, slots=True)
class DryRun:
    """A run that was not started."""

    folder: str
    subnet: str
    miners: int
    validators: int
    """Validators that ask."""
    epochs: int
    rounds: int
    """Rounds of all validators together."""
    pool: str
    estimated_from: str = ""
    """Folder of the run on which the estimate is based; empty if there is none."""
    wall_s: float | None = None
    cpu_s: float | None = None
    usd: float | None = None
    """Cost at the config's prices, payments to APIs included."""

    @classmethod
    def of(cls, config: RunConfig, folder: Path, last: Path) -> DryRun:
        """Build everything that the config names, and estimate from the run in `last`, if there is one."""
        from lab.studies.arm import Arm

        config.build_miners()
        arm = Arm(folder.name, config)
        plan = cls(
            str(folder),
            config.subnet.name,
            len(config.miner_names),
            sum(validator.asks for validator in config.build_validators()),
            config.chain.epochs,
            arm.rounds,
            config.pool.kind,
        )
        return cls(**asdict(plan) | _estimate(arm, last))

    def lines(self) -> list[str]:
        """Say it in sentences."""
        text = (
            f"{self.folder}: {self.subnet}, {counted(self.miners, 'miner')}, {counted(self.validators, 'validator')} "
            f"that ask, {counted(self.epochs, 'epoch')}, {counted(self.rounds, 'round')}; pool {self.pool}. "
            "Nothing was started."
        )
        if self.wall_s is None or self.cpu_s is None or self.usd is None:
            return [
                text,
                "There is no earlier run of this subnet in that folder to estimate its time and cost from; a short one "
                "is enough: --chain.epochs 1 --chain.rounds_per_epoch 2",
            ]
        return [
            text,
            f"About {duration(self.wall_s)}, {self.cpu_s:,.1f} CPU seconds and ${self.usd:.4f}, "
            f"estimated from {self.estimated_from}.",
        ]


def _estimate(arm: Any, last: Path) -> dict[str, Any]:
    """Estimate a run from the last one of its subnet that has an epoch; empty if there is none."""
    from lab.errors import RecordError
    from lab.record.completed_run import CompletedRun
    from lab.record.run_folder import open_run
    from lab.studies.forecast import estimate

    try:
        with open_run(last) as record:
            completed = CompletedRun.of(record)
            epochs = completed.epochs
            if not epochs or type(completed.config.subnet) is not type(arm.config.subnet):
                return {}
            # Setting up is bound by one core, so its CPU time is about the time that it takes.
            forecast = estimate(record, None, epochs[0].use.setup_cpu_s, [arm])
    except RecordError:
        return {}
    values = {"wall_s": forecast.wall_s, "cpu_s": forecast.cpu_s, "usd": forecast.usd}
    return {"estimated_from": str(last), **values}
