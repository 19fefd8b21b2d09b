"""Flipped bits in the files of a record and of a chain: each is refused, or changes nothing."""

from __future__ import annotations

import shutil
import tempfile
import time
from pathlib import Path
from random import Random

from consensus import Chain, ConsensusError, throwaway_key
from consensus.chain.calls import AddStake, BurnedRegister, CreateSubnet, Faucet, ServeAxon, SetWeights, Transfer
from consensus.chain.hyperparameters import Hyperparameters
from lab.config.run_config import RunConfig
from lab.record.run_folder import open_run
from lab.run.audit import audit
from lab.run.session import run
from subnets import SubnetlabError

from .noise import flipped
from .tally import Tally

CONFIG = {
    "seed": 5,
    "subnet": {"kind": "text_prompting", "mix": {"extractive": 1, "arithmetic": 1}},
    "miners": [
        {"kind": "oracle"},
        {"kind": "word_salad", "name": "salad"},
        {"kind": "malformed", "fault": "deep_objects"},
    ],
    "validators": [{"name": "first"}, {"name": "second"}],
    "chain": {"epochs": 1, "rounds_per_epoch": 2},
    "bare": {"every": 0},
    "pool": {"kind": "local"},
}
RECORD_FILES = ("record.sqlite", "record.sqlite", "record.sqlite", "config.json", "run.json")
"""Files of a record that are damaged, the larger one more often."""


def records(tally: Tally, random: Random, until: float) -> None:
    """Flip bits in a record and audit it."""
    with tempfile.TemporaryDirectory() as place:
        whole, folder = Path(place) / "whole", Path(place) / "damaged"
        run(RunConfig.parse(CONFIG), whole)
        shutil.copytree(whole, folder)
        entries = _entries(whole)
        while time.monotonic() < until:
            name = random.choice(RECORD_FILES)
            (folder / name).write_bytes(flipped((whole / name).read_bytes(), random))
            with tally.attempt(SubnetlabError):
                with open_run(folder) as record:
                    audit(record)
                if _entries(folder) != entries:
                    tally.lost.append(f"an audit passed a changed {name}")
            shutil.copyfile(whole / name, folder / name)


def _entries(folder: Path) -> list[object]:
    with open_run(folder) as record:
        return [(entry.seq, entry.kind, entry.key, dict(entry.body), entry.hash) for entry in record.entries()]


def chains(tally: Tally, random: Random, until: float) -> None:
    """Flip bits in a chain's file and open it."""
    with tempfile.TemporaryDirectory() as place:
        whole, path = Path(place) / "whole.db", Path(place) / "chain.db"
        _make_chain(whole)
        content = whole.read_bytes()
        with Chain.open(whole) as chain:
            expected = _state(chain)
        while time.monotonic() < until:
            for left in path.parent.glob("chain.db*"):
                left.unlink()
            path.write_bytes(flipped(content, random))
            with tally.attempt(ConsensusError), Chain.open(path) as chain:
                if _state(chain) != expected:
                    tally.lost.append("a chain with a flipped bit was opened in another state")


def _make_chain(path: Path) -> None:
    owner, validator, miner = (throwaway_key(3, name) for name in ("owner", "validator", "miner"))
    with Chain.development(path) as chain:
        for key in (owner, validator, miner):
            chain.call(key, Faucet(10**12))
        netuid = chain.call(owner, CreateSubnet(hyperparameters=Hyperparameters.development().as_dict())).result
        for key in (validator, miner):
            chain.call(key, BurnedRegister(netuid, key.ss58_address))
        chain.call(validator, AddStake(validator.ss58_address, 10**10))
        chain.call(miner, ServeAxon(netuid, "10.0.0.1", 8091))
        chain.call(owner, Transfer(miner.ss58_address, 10**9))
        chain.step_to_epoch(netuid)
        chain.call(validator, SetWeights.of(netuid, [1], [1.0]))
        chain.step(50)


def _state(chain: Chain) -> object:
    graphs = [chain.metagraph(netuid) for netuid in chain.netuids]
    subnets = [chain.subnet(netuid) for netuid in chain.netuids]
    rows = [{uid: (row.uids.tolist(), row.values.tolist()) for uid, row in each.weights.items()} for each in subnets]
    others = [(each.bonds, each.commits, each.axons, each.hyperparameters, each.pending_rao) for each in subnets]
    return chain.block, chain.block_hash, chain.genesis_hash, chain.supply(), graphs, rows, others
