"""Small runs to which something happens, and what must hold of them afterwards.

A test arms a folder; the first plug-in that looks there is struck: it does what it was told to, or stays where it is
while the test does something to its process.
"""

from __future__ import annotations

import asyncio
import os
import resource
import time
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar, Literal

import psutil

from lab.config.run_config import RunConfig
from lab.record.entries import Epoch, GradedAnswer, GradedRound
from lab.record.record import RunRecord
from lab.run.audit import audit
from lab.run.events import Event
from lab.run.session import run
from miners import AnyEngine
from subnets import Answer, Message, Prompt, Query, Task
from tests.cluster.fakes import Core, Servant
from tests.lab.records import Digits, Sayer

STRUCK = 2
"""Uid of the second miner, after the validator."""
STRIKE_S = 60.0
"""What a run may take until it is struck."""


def is_struck(folder: str) -> bool:
    """Whether the caller is the first to look since the folder was armed; leaves the number of its process there."""
    try:
        os.rename(os.path.join(folder, "armed"), os.path.join(folder, f"struck-{os.getpid()}"))
    except FileNotFoundError:
        return False
    return True


class Struck(Sayer):
    """Gets each digit right with a known probability, on a core; something happens to it where a folder is given."""

    engine: AnyEngine = Core()
    folder: str = ""
    how: Literal["raise", "fill", "hold", "wait", "starve"] = "hold"

    async def forward(self, query: Query) -> Answer | bytes:
        if self.folder and is_struck(self.folder):
            match self.how:
                case "raise":
                    raise ValueError("struck")
                case "fill":
                    fill_memory()
                case "starve":
                    assert isinstance(self.engine, Servant)
                    await self.engine.work(replace(query, prompt=Prompt((Message("user", "eat"),))))
                case "wait":
                    await asyncio.sleep(3600)
                case "hold":
                    time.sleep(3600)
        return await super().forward(query)


class HeldDigits(Digits):
    """Digits whose validator stays where it is when struck."""

    name: ClassVar[str] = "held_digits"

    folder: str = ""

    def task(self, seed: int) -> Task:
        if self.folder and is_struck(self.folder):
            time.sleep(3600)
        return super().task(seed)


def fill_memory() -> None:
    """Take memory until the system gives this process no more: 64 MB above what it has."""
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (psutil.Process().memory_info().vms + 2**26, hard))
    held = []
    try:
        while True:
            held.append(bytearray(2**22))
    finally:
        held.clear()
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


def make_config(struck: Mapping[str, Any] | None = None, **tables: Any) -> RunConfig:
    """A validator, a light miner, and three that share two hosts: `struck` are options of the first of those."""
    kind = "tests.cluster.faults:Struck"
    config = {
        "seed": 5,
        "subnet": {"kind": "tests.cluster.faults:HeldDigits"},
        "miners": [
            {"name": "light", "kind": "tests.lab.records:Sayer", "right": 0.9},
            {"name": "struck", "kind": kind, "right": 0.8, **(struck or {})},
            {"name": "neighbour", "kind": kind, "right": 0.6, "count": 2},
        ],
        "validators": [{"name": "validator"}],
        "chain": {"epochs": 2, "rounds_per_epoch": 8},
        "pool": {"kind": "ray", "hosts": 2},
        "bare": {"miner": "neighbour-0"},
    }
    return RunConfig.parse(config | tables)


def play(
    folder: Path, config: RunConfig, armed: Path, *, at: int = 5, blow: Callable[[int], object] | None = None
) -> RunRecord:
    """Play a run, armed after `at` rounds; `blow` is dealt to the process that is struck."""

    def watch(event: Event) -> None:
        if event.stage == "round" and event.rounds == at:
            (armed / "armed").touch()

    def strike() -> None:
        pid = struck_pid(armed)
        if blow is not None:
            blow(pid)

    with ThreadPoolExecutor(1) as aside:
        struck = aside.submit(strike)
        record = run(config, folder, watch=watch)
        struck.result(1.0)
    return record


def struck_pid(armed: Path) -> int:
    """Wait until somebody is struck; return the number of its process."""
    until = time.monotonic() + STRIKE_S
    while not (result := list(armed.glob("struck-*"))):
        assert time.monotonic() < until, f"nobody was struck within {STRIKE_S:g} s"
        time.sleep(0.01)
    return int(result[0].name.partition("-")[2])


def rounds_of(record: RunRecord) -> dict[str, GradedRound]:
    """Return the rounds by their places; none is there twice."""
    rounds = [GradedRound.of(entry) for entry in record.entries("round")]
    by_place = {graded.key: graded for graded in rounds}
    assert len(by_place) == len(rounds), "a round was recorded twice"
    return by_place


def assert_whole(disturbed: RunRecord, undisturbed: RunRecord, harmed: Collection[int] = ()) -> list[GradedAnswer]:
    """Check that a run ended, lost and doubled nothing, and harmed nobody but `harmed`; return the faults of those.

    The audit follows the hashes, reads every answer that is kept, and finds every grade and payout again.
    """
    result = audit(disturbed)
    assert result.complete
    rounds, expected = rounds_of(disturbed), rounds_of(undisturbed)
    assert rounds.keys() == expected.keys(), "a round was lost"
    faults: list[GradedAnswer] = []
    for place, graded in rounds.items():
        calm = expected[place]
        assert graded.task_seed == calm.task_seed
        assert [answer.uid for answer in graded.answers] == [answer.uid for answer in calm.answers]
        for answer, same in zip(graded.answers, calm.answers, strict=True):
            assert (answer.blob is None) == (answer.fault is not None), "neither an answer nor a fault, or both"
            if answer.uid not in harmed:
                assert decided(answer) == decided(same), f"round {place}, uid {answer.uid}: {answer.reason}"
            elif answer.fault is not None:
                faults.append(answer)
    if not harmed:
        pays = [[(epoch.weights, epoch.pay) for epoch in epochs_of(record)] for record in (disturbed, undisturbed)]
        assert pays[0] == pays[1]
    return faults


def decided(answer: GradedAnswer) -> tuple[Any, ...]:
    """All of an answer that the seed decides."""
    return answer.blob, answer.fault, answer.score, answer.quality, answer.parts


def epochs_of(record: RunRecord) -> list[Epoch]:
    """Return the epochs in order."""
    return [Epoch.of(entry) for entry in record.entries("epoch")]
