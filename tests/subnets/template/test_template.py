"""Subnets in the shape of the field's template, written as their authors write them, run unmodified."""

import asyncio
import json
import subprocess
import sys
from copy import copy
from pathlib import Path
from typing import Any

import pytest

from lab.contract import check
from lab.record.completed_run import CompletedRun
from lab.record.run_folder import open_run
from miners import load_miner
from subnets import Answer, Caller, Fault, MalformedAnswer, PluginError, Response, Subnet, load_subnet
from subnets.plugin import installed_only
from subnets.template.loading import FORCE_STAND_IN, bittensor
from validators import receive, score

pytestmark = pytest.mark.skipif(
    getattr(bittensor(), "METAGRAPH", None) is None,
    reason="tests the stand-in, whose place the package bittensor has: set SUBNETLAB_STAND_IN=1",
)
ROOT = Path(__file__).parents[3]
FILES = {
    "sumnet/__init__.py": "",
    "sumnet/protocol.py": """
import typing
import bittensor as bt


class Sum(bt.Synapse):
    numbers: typing.List[int]
    total: typing.Optional[int] = None

    def deserialize(self) -> typing.Optional[int]:
        return self.total
""",
    "sumnet/reward.py": """
import numpy as np
import bittensor as bt


def reward(query, response) -> float:
    bt.logging.info(f"query {query}, response {response}")
    return 1.0 if response == sum(query.numbers) else 0.0


def get_rewards(self, query, responses) -> np.ndarray:
    return np.array([2.0 * reward(query, response) for response in responses])
""",
    "sumnet/tasks.py": """
import random
from sumnet.protocol import Sum


def make_task():
    return Sum(numbers=[random.randint(0, 99) for _ in range(3)])


def answer(query):
    return Sum(numbers=query.numbers, total=sum(query.numbers))
""",
    "sumnet/base.py": """
import argparse
import copy
from abc import ABC, abstractmethod
import bittensor as bt


class BaseNeuron(ABC):
    @classmethod
    def config_of(cls):
        parser = argparse.ArgumentParser()
        bt.wallet.add_args(parser)
        bt.subtensor.add_args(parser)
        bt.logging.add_args(parser)
        bt.axon.add_args(parser)
        parser.add_argument("--netuid", type=int, default=1)
        parser.add_argument("--neuron.name", type=str, default="miner")
        parser.add_argument("--blacklist.force_validator_permit", action="store_true")
        return bt.config(parser)

    def __init__(self, config=None):
        base = copy.deepcopy(config or bt.config())
        self.config = self.config_of()
        self.config.merge(base)
        bt.logging.set_config(config=self.config.logging)
        self.wallet = bt.wallet(config=self.config)
        self.subtensor = bt.subtensor(config=self.config)
        self.metagraph = self.subtensor.metagraph(self.config.netuid)
        own = self.wallet.hotkey.ss58_address
        assert self.subtensor.is_hotkey_registered(netuid=self.config.netuid, hotkey_ss58=own)
        self.uid = self.metagraph.hotkeys.index(self.wallet.hotkey.ss58_address)


class BaseMiner(BaseNeuron):
    def __init__(self, config=None):
        super().__init__(config)
        self.axon = bt.axon(wallet=self.wallet, config=self.config() if callable(self.config) else self.config)
        self.axon.attach(forward_fn=self.forward, blacklist_fn=self.blacklist, priority_fn=self.priority)
        self.axon.serve(netuid=1, subtensor=self.subtensor).start()

    @abstractmethod
    async def forward(self, synapse): ...
""",
    "neurons/__init__.py": "",
    "neurons/miner.py": """
import typing
import bittensor as bt
from sumnet.base import BaseMiner
from sumnet.protocol import Sum


class Miner(BaseMiner):
    async def forward(self, synapse: Sum) -> Sum:
        synapse.total = sum(synapse.numbers)
        return synapse

    async def blacklist(self, synapse: Sum) -> typing.Tuple[bool, str]:
        if synapse.dendrite.hotkey not in self.metagraph.hotkeys:
            return True, "Unrecognized hotkey"
        uid = self.metagraph.hotkeys.index(synapse.dendrite.hotkey)
        if not self.metagraph.validator_permit[uid]:
            return True, "Non-validator hotkey"
        return False, "Hotkey recognized!"

    async def priority(self, synapse: Sum) -> float:
        return float(self.metagraph.S[self.metagraph.hotkeys.index(synapse.dendrite.hotkey)])


def lazy(synapse):
    synapse.total = synapse.numbers[0]
    return synapse


def rewriting(synapse):
    return Sum(numbers=synapse.numbers, total=None)
""",
    "sum.toml": """
[subnet]
kind = "template"
protocol = "sumnet.protocol:Sum"
make = "sumnet.tasks:make_task"
reward = "sumnet.reward:reward"

[[miners]]
name = "right"
kind = "template"
forward = "neurons.miner:Miner"

[[miners]]
name = "lazy"
kind = "template"
forward = "neurons.miner:lazy"

[[validators]]
count = 2

[chain]
epochs = 1
rounds_per_epoch = 4

[pool]
kind = "local"
""",
}
OPTIONS = {
    **{"kind": "template", "protocol": "sumnet.protocol:Sum", "make": "sumnet.tasks:make_task"},
    **{"reward": "sumnet.reward:reward", "answer": "sumnet.tasks:answer"},
}
VALIDATOR = Caller("5Validator", 250.0, validator_permit=True)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("project")
    for name, text in FILES.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text)
    return folder


@pytest.fixture
def subnet(project: Path, monkeypatch: pytest.MonkeyPatch) -> Subnet:
    monkeypatch.syspath_prepend(str(project))
    return load_subnet(OPTIONS)


def miner(subnet: Subnet, forward: str) -> Any:
    return load_miner({"kind": "template", "forward": forward}).informed(subnet, ())


def graded(subnet: Subnet, seed: int, *answers: Answer) -> list[float | None]:
    task = subnet.task(seed)
    read = [receive(subnet, Response(uid, body=answer.body())) for uid, answer in enumerate(answers)]
    return [each.value for each in score(subnet.scorer(), task, read)]


def test_a_template_subnet_and_its_miner_keep_the_contracts(subnet: Subnet) -> None:
    assert check("subnets.template:Template", {key: value for key, value in OPTIONS.items() if key != "kind"}) == []
    options = {"forward": "neurons.miner:lazy", "protocol": OPTIONS["protocol"]}
    assert check("miners.template:TemplateMiner", options, subnet=OPTIONS) == []


def test_the_same_seed_makes_the_same_task_of_a_function_that_draws_from_global_randomness(subnet: Subnet) -> None:
    import random

    random.seed(5)
    first = random.random()
    random.seed(5)
    task = subnet.task(3)
    assert random.random() == first
    assert subnet.task(3) == task and subnet.task(4).prompt != task.prompt
    assert json.loads(task.prompt.text).keys() == {"numbers", "total"}


async def test_a_miner_answers_and_its_reward_is_the_score(subnet: Subnet) -> None:
    query = subnet.task(1).query(caller=VALIDATOR)
    right = await miner(subnet, "neurons.miner:Miner").forward(query)
    lazy = await miner(subnet, "neurons.miner:lazy").forward(query)
    assert graded(subnet, 1, right, lazy, Answer()) == [1.0, 0.0, 0.0]


def test_blacklist_and_priority_see_the_caller_in_the_metagraph(subnet: Subnet) -> None:
    own = miner(subnet, "neurons.miner:Miner")
    assert own.blacklist(subnet.task(1).query(caller=VALIDATOR)) == ""
    assert own.priority(subnet.task(1).query(caller=VALIDATOR)) == 250.0
    stranger = Caller("5Stranger", 1.0, validator_permit=False)
    assert own.blacklist(subnet.task(1).query(caller=stranger)) == "Non-validator hotkey"
    assert miner(subnet, "neurons.miner:lazy").priority(subnet.task(1).query(caller=VALIDATOR)) == 250.0


async def test_a_function_that_grades_a_round_together_is_called_once_and_scaled(subnet: Subnet) -> None:
    together = load_subnet({**OPTIONS, "reward": "sumnet.reward:get_rewards", "reward_scale": 2.0})
    query = together.task(1).query(caller=VALIDATOR)
    right = await miner(together, "neurons.miner:Miner").forward(query)
    lazy = await miner(together, "neurons.miner:lazy").forward(query)
    assert graded(together, 1, lazy, right) == [0.0, 1.0]


def test_an_answer_that_breaks_the_protocol_is_a_fault_of_its_miner(subnet: Subnet) -> None:
    for text in ("", "{}", '{"numbers": "three"}', "[1]"):
        with pytest.raises(MalformedAnswer, match="not a sumnet.protocol:Sum"):
            subnet.read(Answer(text=text).body())
    assert receive(subnet, Response(0, body=Answer(text="{}").body())).fault is Fault.MALFORMED


def test_code_that_a_record_names_is_not_imported_unless_it_is_trusted(subnet: Subnet) -> None:
    with installed_only(), pytest.raises(PluginError, match="runs its code: if you trust it, give --trust"):
        subnet.task(1)
    assert subnet.task(1).id


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"protocol": "sumnet.reward:reward"}, "is not a subclass of bittensor.Synapse"),
        ({"make": "sumnet.reward:nothing"}, "can't be imported: AttributeError"),
        ({"make": "make_task"}, "write module:name"),
        ({"make": "subnets.template.example:make_task"}, "returned Doubling; allowed: Sum"),
    ],
)
def test_what_is_wrong_is_named_in_one_line(subnet: Subnet, options: dict[str, str], reason: str) -> None:
    with pytest.raises(PluginError) as error:
        load_subnet({**OPTIONS, **options}).task(1)
    assert reason in str(error.value) and "\n" not in str(error.value)


def test_the_right_answer_is_known_only_where_a_function_gives_it(subnet: Subnet) -> None:
    assert graded(subnet, 2, subnet.gold(subnet.task(2))) == [1.0]
    unknown = load_subnet({key: value for key, value in OPTIONS.items() if key != "answer"})
    with pytest.raises(PluginError, match='set answer = "module:function"'):
        unknown.gold(unknown.task(2))


def test_the_stand_in_refuses_what_needs_a_chain_or_a_network() -> None:
    package = bittensor()
    if package.__name__ == "bittensor":
        pytest.skip("the real package is installed")
    with pytest.raises(NotImplementedError, match="set_weights is not there without a chain"):
        package.Subtensor().set_weights()
    assert not hasattr(package.Subtensor(), "set_weights") and copy(package.Subtensor()).network == "laboratory"
    with pytest.raises(NotImplementedError, match="the laboratory's validators do"):
        asyncio.run(package.Dendrite()([], None))


@pytest.mark.slow
def test_a_project_runs_from_its_folder_and_validators_set_weights(project: Path) -> None:
    command = [Path(sys.executable).parent / "python", "-m", "lab", "run", "sum.toml", "--json"]
    environment = {"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin", "HOME": str(project), FORCE_STAND_IN: "1"}
    done = subprocess.run(command, cwd=project, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    with open_run(project / "runs" / "sum") as record:
        (epoch,) = CompletedRun.of(record).epochs
    assert epoch.pay.incentive[2:] == (65535, 0)
    assert all(set(weights) == {2} for weights in epoch.weights.values()) and len(epoch.weights) == 2
