"""Tiny miners, engines and a subnet: one behaviour each."""

from __future__ import annotations

import asyncio
import os
import resource
import signal
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

from pydantic import PrivateAttr

from miners import AnyEngine, AnyMiner, Engine, Miner, Pay, overhear
from miners.errors import EngineDied
from subnets import Answer, Message, Prompt, Query, Response, Score, Scorer, Seed, Task, spend
from subnets.cost import Cost
from subnets.subnet import Subnet


class SameText(Scorer):
    def score(self, task: Task, response: Response) -> Score:
        assert response.answer is not None
        return Score(float(response.answer.text == task.reference))


class Words(Subnet):
    name = "words"
    image_bytes: int = 0

    def task(self, seed: int) -> Task:
        prompt = Prompt((Message("user", f"say {seed}"),), image=b"\x89" * self.image_bytes)
        return Task(id=str(seed), subnet=self.name, seed=seed, prompt=prompt, reference=f"say {seed}")

    def gold(self, task: Task) -> Answer:
        return Answer(text=task.reference)

    def scorer(self) -> Scorer:
        return SameText()

    def quality(self, task: Task, answer: Answer) -> float:
        return float(answer.text == task.reference)


class BrokenWords(Words):
    def task(self, seed: int) -> Task:
        raise RuntimeError("no words today")


class Core(Engine):
    """Keeps one core busy for a moment, in a thread."""

    busy_s: float = 0.0

    async def work(self, query: Query) -> str:
        if self.busy_s:
            spend(Cost(cpu_s=await asyncio.to_thread(burn, self.busy_s)))
        return query.prompt.text

    @property
    def cpus(self) -> float:
        return 1.0

    @property
    def concurrency(self) -> int:
        return 1

    @property
    def replicable(self) -> bool:
        return True


class Model(Core):
    """One of a kind, like a model that fills a GPU."""

    name: str = "model"
    wants_gpus: float = 0.0

    @property
    def replicable(self) -> bool:
        return False

    @property
    def gpus(self) -> float:
        return self.wants_gpus

    @property
    def concurrency(self) -> int:
        return 4


SERVANT = """
import os, resource, sys, time
print("ready", flush=True)
for line in sys.stdin:
    what, _, for_s = line.strip().partition(" ")
    if what == "die":
        os._exit(9)
    if what == "eat":
        resource.setrlimit(resource.RLIMIT_AS, (2**29, 2**29))
        eaten = [bytearray(2**24) for _ in iter(int, 1)]
    until = time.process_time() + float(for_s or 0) if what == "burn" else 0.0
    while time.process_time() < until:
        pass
    time.sleep(float(for_s or 0) if what == "sleep" else 0.0)
    print(os.getpid(), flush=True)
"""


class Servant(Model):
    """Lives in a process of its own, which does what the prompt says and answers with its number."""

    opens: int = 1_000
    """How often it can be opened."""
    reopens_in_s: float = 0.0
    """What it takes to open it again, beside what Python takes to start."""

    _process: Any = PrivateAttr(None)
    _turn: Any = PrivateAttr(None)
    _died: str = PrivateAttr("")
    _opened: int = PrivateAttr(0)

    @property
    def died(self) -> str:
        return self._died

    async def open(self) -> None:
        if self._opened == self.opens:
            raise MemoryError("no memory for another")
        self._opened += 1
        if self._opened > 1:
            await asyncio.sleep(self.reopens_in_s)
        pipe = asyncio.subprocess.PIPE
        self._process = await asyncio.create_subprocess_exec(
            sys.executable, "-u", "-c", SERVANT, stdin=pipe, stdout=pipe
        )
        await self._process.stdout.readline()
        self._turn, self._died = asyncio.Lock(), ""

    async def close(self) -> None:
        if self._process is not None and self._process.returncode is None:
            self._process.kill()
        if self._process is not None:
            await self._process.wait()

    async def work(self, query: Query) -> str:
        async with self._turn:
            if not self._died:
                self._process.stdin.write(query.prompt.text.encode() + b"\n")
                said: bytes = await self._process.stdout.readline()
                if said:
                    return said.decode().strip()
                self._died = "the servant's process ended"
            raise EngineDied(self._died)


class KillsEngine(Miner):
    """Has its engine die of the query, whatever that is."""

    engine: AnyEngine

    async def forward(self, query: Query) -> Answer | bytes:
        assert isinstance(self.engine, Servant)
        die = replace(query, prompt=Prompt((Message("user", "die"),)))
        return Answer(text=await self.engine.work(die))


class FeignsDeath(Miner):
    """Says that its engine died, which lives."""

    engine: AnyEngine = Core()

    async def forward(self, query: Query) -> Answer | bytes:
        raise EngineDied("gone, all gone")


class Learns(Miner):
    """Answers with all that it was told."""

    engine: AnyEngine = Core()

    fails: str = "exit"
    """What it does in epoch 666."""

    _told: list[str] = PrivateAttr(default_factory=list)

    def paid(self, pay: Pay) -> None:
        if pay.epoch == 666:
            match self.fails:
                case "hang":
                    time.sleep(3600)
                case "die":
                    os._exit(1)
                case "interrupt":
                    raise KeyboardInterrupt
                case "burn":
                    burn(0.1)
                case _:
                    raise SystemExit(3)
        self._told.append(f"{pay.epoch}:{pay.profit_usd:g}")

    async def forward(self, query: Query) -> Answer | bytes:
        return Answer(text=" ".join(self._told))


class Unopenable(Model):
    async def open(self) -> None:
        raise FileNotFoundError("no weights at /nowhere; download them first")


class Unclosable(Model):
    async def close(self) -> None:
        raise BrokenPipeError("nobody there")


class ClosesSlowly(Model):
    note: str
    for_s: float

    async def close(self) -> None:
        await asyncio.sleep(self.for_s)
        Path(self.note).write_text("closed")


class NeverOpen(Model):
    async def open(self) -> None:
        await asyncio.sleep(3600)


class OpensOnce(Core):
    """Adds a line to a file for each attempt to open it; the first succeeds, whichever process that is in."""

    note: str

    async def open(self) -> None:
        with Path(self.note).open("a") as file:
            file.write("open\n")
        if Path(self.note).read_text().count("open") > 1:
            raise MemoryError("no memory for another")


class Api(Engine):
    """A client of an API with a rate limit."""

    @property
    def concurrency(self) -> int:
        return 8


class Says(Miner):
    """Repeats the prompt, or says `text`."""

    text: str = ""

    async def forward(self, query: Query) -> Answer | bytes:
        return Answer(text=self.text or query.prompt.text)


class Works(Miner):
    """Repeats the prompt, by an engine."""

    engine: AnyEngine = Core()

    async def forward(self, query: Query) -> Answer | bytes:
        assert isinstance(self.engine, Core)
        return Answer(text=await self.engine.work(query))


class Pid(Miner):
    """Answers with the process that it lives in."""

    engine: AnyEngine = Core()

    async def forward(self, query: Query) -> Answer | bytes:
        return Answer(text=str(os.getpid()))


class Breaks(Miner):
    """Breaks the process that it lives in."""

    how: Literal["exit", "kill", "close", "patch", "stop"]

    async def forward(self, query: Query) -> Answer | bytes:
        match self.how:
            case "exit":
                os._exit(3)
            case "kill":
                os.kill(os.getpid(), signal.SIGKILL)
            case "close":
                os.closerange(3, 256)
            case "patch":
                resource.getrusage = None  # type: ignore[assignment]
            case "stop":
                asyncio.get_running_loop().stop()
        return Answer(text=query.prompt.text)


class LightPid(Miner):
    """Answers with the process that it lives in, and needs no core."""

    async def forward(self, query: Query) -> Answer | bytes:
        return Answer(text=str(os.getpid()))


class Sleeps(Miner):
    """Answers after a while, and notes in a file that it started and that it was cancelled."""

    for_s: float = 60.0
    note: str = ""
    stubborn: bool = False

    async def forward(self, query: Query) -> Answer | bytes:
        if self.note:
            Path(self.note).write_text("started")
        try:
            await asyncio.sleep(self.for_s)
        except asyncio.CancelledError:
            if self.note:
                Path(self.note).write_text("cancelled")
            if self.stubborn:
                await asyncio.sleep(self.for_s)
            raise
        return Answer(text=query.prompt.text)


class SleepsOnCore(Sleeps):
    engine: AnyEngine = Core()


class Logs(Miner):
    """Is right half of the time, on a core, and adds a line to a file for each query that it is asked."""

    note: str
    for_s: float = 0.2
    engine: AnyEngine = Core()

    async def forward(self, query: Query) -> Answer | bytes:
        with Path(self.note).open("a") as file:
            file.write(f"{query.id} {self.seed}\n")
        await asyncio.sleep(self.for_s)
        right = Seed(self.seed).child(query.id).rng().random() < 0.5
        return Answer(text=query.prompt.text if right else "no idea")


class Holds(Miner):
    """Holds the event loop."""

    for_s: float = 0.3

    async def forward(self, query: Query) -> Answer | bytes:
        time.sleep(self.for_s)
        return Answer(text=query.prompt.text)


class HoldsOnCore(Holds):
    engine: AnyEngine = Core()


class Delegates(Miner):
    """Does the same in a task of its own."""

    for_s: float = 0.3
    how: str = "hold"

    async def forward(self, query: Query) -> Answer | bytes:
        await asyncio.create_task(self.work())
        await asyncio.gather(self.work(), return_exceptions=True)
        return Answer(text=query.prompt.text)

    async def work(self) -> None:
        match self.how:
            case "hold":
                time.sleep(self.for_s / 2)
            case "burn":
                burn(self.for_s / 2)
            case _:
                raise SystemExit(3)


class Raises(Miner):
    async def forward(self, query: Query) -> Answer | bytes:
        raise ValueError("what a pity")


class Exits(Miner):
    async def forward(self, query: Query) -> Answer | bytes:
        raise SystemExit(3)


class CancelsItself(Miner):
    async def forward(self, query: Query) -> Answer | bytes:
        raise asyncio.CancelledError


class Dies(Miner):
    """Takes its host with it."""

    engine: AnyEngine = Core()

    async def forward(self, query: Query) -> Answer | bytes:
        os._exit(1)


class DiesOnce(Miner):
    """Takes its host with it, once; `note` remembers."""

    note: str
    engine: AnyEngine = Core()

    async def forward(self, query: Query) -> Answer | bytes:
        if not Path(self.note).exists():
            Path(self.note).write_text("died")
            os._exit(1)
        return Answer(text=query.prompt.text)


class ExitingAnswer(Answer):
    def body(self) -> bytes:
        raise SystemExit(3)


class Returns(Miner):
    """Returns what no miner should."""

    what: str = "number"

    async def forward(self, query: Query) -> Answer | bytes:
        match self.what:
            case "number":
                return 7  # type: ignore[return-value]
            case "nothing":
                return None  # type: ignore[return-value]
            case "surrogate":
                return Answer.model_construct(text="\ud800")
            case "exit":
                return ExitingAnswer(text="bye")
            case "huge":
                return b"x" * 50_000_000
            case _:
                return b"\xff\xfe not JSON"


class Refuses(Miner):
    def blacklist(self, query: Query) -> str:
        return "" if query.caller.validator_permit else "no validator permit"

    async def forward(self, query: Query) -> Answer | bytes:
        return Answer(text=query.prompt.text)


class Meddles(Miner):
    """Tries to change the query under the feet of the others."""

    async def forward(self, query: Query) -> Answer | bytes:
        object.__setattr__(query, "id", "mine")
        object.__setattr__(query.prompt, "image", b"")
        object.__setattr__(query.prompt.messages[0], "content", "say nothing")
        object.__setattr__(query.caller, "stake", -1.0)
        return Answer(text="done")


class Copies(Miner):
    victim: AnyMiner

    async def forward(self, query: Query) -> Answer | bytes:
        return await overhear(self.victim, query)


class Draws(Miner):
    """Answers by its own randomness: no two of its seeds agree."""

    engine: AnyEngine = Core()

    async def forward(self, query: Query) -> Answer | bytes:
        return Answer(text=f"{self.seed} {query.id}")


def burn(for_s: float) -> float:
    """Use the CPU for a while; return the seconds used."""
    started = time.thread_time()
    while (used := time.thread_time() - started) < for_s:
        sum(range(1000))
    return used


def query(text: str = "say it", *, id: str = "q", timeout_s: float = 5.0, image: bytes = b"") -> Query:
    return Query(id, "words", Prompt((Message("user", text),), image=image), timeout_s=timeout_s)
