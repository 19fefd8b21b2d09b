"""A subnet of the template's shape on the field's own package; skipped where it is not installed (`make test-sdk`)."""

import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import pytest

from lab.record.completed_run import CompletedRun
from lab.record.run_folder import open_run
from subnets.template.loading import FORCE_STAND_IN

ROOT = Path(__file__).parents[3]
FILES = {
    "realnet/__init__.py": "",
    "realnet/protocol.py": """
import typing
import bittensor as bt


class Sum(bt.Synapse):
    required_hash_fields: typing.ClassVar[tuple[str, ...]] = ("numbers",)
    numbers: list[int]
    total: typing.Optional[int] = None

    def deserialize(self):
        return self.total
""",
    "realnet/reward.py": """
import random
import bittensor as bt
from realnet.protocol import Sum


def make_task():
    return Sum(numbers=[random.randint(0, 99) for _ in range(3)])


def reward(query, response):
    bt.logging.info(f"query {query.numbers}, response {response}")
    return 1.0 if response == sum(query.numbers) else 0.0
""",
    "realnet/miner.py": """
import bittensor as bt
from realnet.protocol import Sum


class Miner:
    async def forward(self, synapse: Sum) -> Sum:
        assert bt.__version__.startswith("10."), bt.__version__
        synapse.total = sum(synapse.numbers)
        return synapse

    async def blacklist(self, synapse: Sum):
        return not synapse.dendrite.hotkey.startswith("5"), "no hotkey"

    async def priority(self, synapse: Sum) -> float:
        return 1.0
""",
    "real.toml": """
[subnet]
kind = "template"
protocol = "realnet.protocol:Sum"
make = "realnet.reward:make_task"
reward = "realnet.reward:reward"

[[miners]]
name = "mine"
kind = "template"
forward = "realnet.miner:Miner"

[[miners]]
kind = "echo"

[[validators]]

[chain]
epochs = 1
rounds_per_epoch = 3

[pool]
kind = "local"
""",
}


def _installed() -> str:
    try:
        return version("bittensor")
    except PackageNotFoundError:
        return ""


@pytest.mark.slow
@pytest.mark.skipif(not _installed().startswith("10."), reason="needs bittensor 10: make test-sdk")
def test_a_subnet_of_the_templates_shape_runs_on_the_real_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(FORCE_STAND_IN, raising=False)
    for name, content in FILES.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(content)
    for command in ("run real.toml", "audit runs/real --trust", "report runs/real --trust"):
        done = subprocess.run(
            [sys.executable, "-m", "lab", *command.split()],
            cwd=tmp_path,
            env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin", "HOME": str(tmp_path)},
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
    with open_run(tmp_path / "runs" / "real") as record:
        (epoch,) = CompletedRun.of(record).epochs
    assert epoch.pay.incentive[1:] == (65535, 0)
