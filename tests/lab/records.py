"""Records of runs that were never run: a tiny subnet, played in this process, with made-up meters.

    record = make_record(tmp_path)

Answers, scores, weights and payouts are worked out by the real validators and the real chain, so an
audit passes; latencies and costs are drawn from the miner's seed.
"""

import asyncio
import json
import shutil
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any, ClassVar

from pydantic import Field

from lab.config.run_config import RunConfig
from lab.record.entries import End, Epoch, GradedAnswer, GradedRound, MachineUse, Start
from lab.record.record import FORMAT, GENESIS, Draft, RunRecord, blob_hash, digest, encode
from lab.run.economy import Economy
from miners import Miner
from subnets import Answer, Cost, Fault, Message, Prompt, Query, Response, Score, Scorer, Seed, Subnet, Task
from validators import Validator

DIGITS = 12
SLOW = """
seed = 11
subnet = "tests.lab.records:Digits"
[[miners]]
name = "slow"
kind = "slow"
delay_s = 0.2
miner = {kind = "tests.lab.records:Sayer", right = 0.7}
[[validators]]
name = "judge"
[chain]
epochs = 1
rounds_per_epoch = 5000
"""
"""Config of a run that takes long enough to be watched."""


class Exact(Scorer):
    """The share of characters in the right place."""

    def score(self, task: Task, response: Response) -> Score:
        assert response.answer is not None
        if response.answer.text == "spoil":
            raise RuntimeError("this one can't be graded")
        return Score(right(task.reference, response.answer.text))


class Digits(Subnet):
    """Repeat the digits of the task."""

    name: ClassVar[str] = "digits"

    drawn: bool = True
    """Whether tasks have pictures."""
    broken: bool = False
    """Whether drawing fails."""

    def task(self, seed: int) -> Task:
        text = "".join(map(str, Seed(seed).rng().integers(0, 10, size=DIGITS)))
        prompt = Prompt((Message("user", f"Say <b>{text}</b> again"),))
        return Task(id=str(seed), seed=seed, prompt=prompt, reference=text, kind="digits", difficulty=0.25)

    def gold(self, task: Task) -> Answer:
        return Answer(text=task.reference)

    def scorer(self) -> Scorer:
        return Exact()

    def quality(self, task: Task, answer: Answer) -> float | None:
        return right(task.reference, answer.text)

    def illustrate(self, task: Task, answer: Answer | None) -> bytes | None:
        from PIL import Image, ImageDraw

        if self.broken:
            raise RuntimeError("out of ink")
        if not self.drawn:
            return None
        grain = Seed(task.seed).rng().integers(215, 256, size=(100, 75), dtype="uint8")
        page = Image.fromarray(grain).resize((900, 1200)).convert("RGB")
        ImageDraw.Draw(page).text((60, 60), answer.text if answer else "", fill=(200, 0, 0), font_size=60)
        png = BytesIO()
        page.save(png, "PNG")
        return png.getvalue()


class Sayer(Miner):
    """Gets each digit right with a known probability."""

    right: float = Field(1.0, ge=0.0, le=1.0)

    async def forward(self, query: Query) -> Answer | bytes:
        rng = Seed(self.seed).child(query.id).rng()
        text = query.prompt.text.removeprefix("Say <b>").removesuffix("</b> again")
        kept = rng.random(len(text)) < self.right
        return Answer(text="".join(digit if keep else "x" for digit, keep in zip(text, kept, strict=True)))


class Elsewhere(Sayer):
    """Stands for somebody else's miner, whose costs are not known here."""

    metered = False


class Mute(Miner):
    """Never answers."""

    async def forward(self, query: Query) -> Answer | bytes:
        raise TimeoutError


class Injector(Miner):
    """Answers with markup, and with broken JSON every third time."""

    honest: ClassVar[bool] = False

    async def forward(self, query: Query) -> Answer | bytes:
        if Seed(self.seed).child(query.id).integer() % 3 == 0:
            return b"<script>alert(1)</script>"
        return Answer(text="</pre><script>alert('pwned')</script>\x1b[31m$\\frac{1}{2}$ \u202egnp.exe")


class Spoiler(Miner):
    """Answers with text on which the grader fails."""

    async def forward(self, query: Query) -> Answer | bytes:
        return Answer(text="spoil")


MINERS: tuple[dict[str, Any], ...] = (
    {"name": "perfect", "kind": "tests.lab.records:Sayer"},
    {"name": "good", "kind": "tests.lab.records:Sayer", "right": 0.9},
    {"name": "fair", "kind": "tests.lab.records:Sayer", "right": 0.7},
    {"name": "poor", "kind": "tests.lab.records:Sayer", "right": 0.4},
    {"name": "injector", "kind": "tests.lab.records:Injector"},
    {"name": "mute", "kind": "tests.lab.records:Mute"},
)


def right(reference: str, text: str) -> float:
    return sum(a == b for a, b in zip(reference, text, strict=False)) / len(reference)


def make_config(**tables: Any) -> RunConfig:
    """Three validators, one of which copies weights, and six miners; `tables` replace whole tables."""
    table: dict[str, Any] = {
        "seed": 7,
        "subnet": {"kind": "tests.lab.records:Digits"},
        "miners": [{"stake": 1.0, **miner} for miner in MINERS],
        "validators": [{"name": "steady", "count": 2, "alpha": 0.3}, {"name": "copier", "kind": "weight_copier"}],
        "chain": {"epochs": 4, "rounds_per_epoch": 3},
        "pool": {"kind": "local", "isolate": False},
    }
    return RunConfig.parse(table | tables)


def rounds_written(folder: Path) -> int:
    """Return the number of rounds that a run has recorded; 0 before it has a record."""
    try:
        with sqlite3.connect(f"file:{folder / 'record.sqlite'}?mode=ro", uri=True) as connection:
            found = connection.execute("select count(*) from subnetlab_entries where kind = 'round'").fetchone()[0]
        connection.close()
    except sqlite3.OperationalError:
        return 0
    return int(found)


def insert_entries(connection: sqlite3.Connection, run: str, entries: Sequence[tuple[str, str, Any]]) -> None:
    """Write entries (kind, key, body) into a record's empty table, each with its hash."""
    previous = GENESIS
    for seq, (kind, key, body) in enumerate(entries, start=1):
        link = digest(seq, kind, key, encode(body), previous)
        row = (run, seq, kind, key, encode(body), previous, link)
        connection.execute("insert into subnetlab_entries values (?, ?, ?, ?, ?, ?, ?)", row)
        previous = link


def make_record(folder: Path, config: RunConfig | None = None, *, epochs: int | None = None) -> RunRecord:
    """Play a run in this process; `epochs` stops it before its end."""
    config = config or make_config()
    economy = Economy(config)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "run.json").write_text(json.dumps(MACHINE))
    (folder / "config.json").write_text(json.dumps(config.model_dump(mode="json")))
    record = RunRecord.create(folder, run=str(MACHINE["run"]))
    start = Start(format=FORMAT, config=config.model_dump(mode="json"), machine=MACHINE, neurons=economy.neurons())
    record.append([Draft("start", "run", start.model_dump(mode="json"))])
    per_epoch = config.chain.rounds_per_epoch
    for number in range(config.chain.epochs if epochs is None else epochs):
        played = [
            _round(record, config, economy, uid, place)
            for place in range(number * per_epoch, (number + 1) * per_epoch)
            for uid, validator in economy.validators.items()
            if validator.asks
        ]
        economy.observe(played)
        weights = economy.weights()
        once = {graded.key: Cost(cpu_s=0.5 + 0.01 * (graded.number % 3)) for graded in played}
        use = _use(number, played, once)
        epoch = Epoch(number=number, weights=weights, pay=economy.pay(weights), use=use, once=once)
        record.append([epoch.draft("epoch", epoch.key)])
    if epochs is None:
        record.append([End(rounds=sum(1 for _ in record.entries("round"))).draft("end", "run")])
    return record


MACHINE = {
    "run": "0123456789abcdef",
    "started": "2026-11-02T09:30:00+00:00",
    "python": "3.11.7",
    "system": "Linux-6.1-x86_64",
    "cores": 2,
    "versions": {"subnetlab": "0.1.0", "numpy": "2.1.0"},
    "seed": 7,
    "prices": "2026-11",
}


def _round(record: RunRecord, config: RunConfig, economy: Economy, uid: int, number: int) -> GradedRound:
    validator: Validator = economy.validators[uid]
    work = validator.prepare(config.subnet, number, economy.stakes(), economy.caller(uid))
    responses = asyncio.run(_ask(economy.miners, work.query, work.uids))
    grades = validator.grade(config.subnet, work.task, responses)
    graded = GradedRound(
        validator=uid,
        number=number,
        task_id=work.task.id,
        task_seed=work.task.seed,
        kind=work.task.kind,
        difficulty=work.task.difficulty,
        query_bytes=work.query.prompt.size,
        answers=tuple(
            GradedAnswer(
                uid=response.uid,
                blob=blob_hash(response.body) if response.body else None,
                size=len(response.body),
                fault=response.fault,
                reason=response.reason,
                latency_s=response.latency_s,
                cost=response.cost,
                score=score.value,
                parts=dict(score.parts),
                score_reason=score.reason,
                quality=quality,
            )
            for response, score, quality in zip(grades.responses, grades.scores, grades.qualities, strict=True)
        ),
        task_cost=Cost(cpu_s=0.05),
        grading_cost=Cost(cpu_s=0.01),
        measuring_cost=Cost(cpu_s=0.004),
    )
    record.append([graded.draft("round", graded.key)], [response.body for response in responses if response.body])
    return graded


async def _ask(miners: Mapping[int, Miner], query: Query, uids: Sequence[int]) -> list[Response]:
    return [await _response(uid, miners[uid], query) for uid in uids]


async def _response(uid: int, miner: Miner, query: Query) -> Response:
    latency_s = float(Seed(miner.seed).child("latency", query.id).rng().gamma(9.0, 0.05))
    cost = Cost(cpu_s=latency_s, wall_s=latency_s)
    try:
        answer = await miner.forward(query)
    except TimeoutError:
        return Response(uid, fault=Fault.TIMEOUT, reason="no answer within 60.0 s", latency_s=60.0, cost=cost)
    body = answer if isinstance(answer, bytes) else answer.body()
    return Response(uid, body=body, latency_s=latency_s, cost=cost)


def _use(number: int, played: Sequence[GradedRound], once: Mapping[str, Cost]) -> MachineUse:
    metered = sum(
        sum(answer.cost.cpu_s for answer in graded.answers)
        + sum(cost.cpu_s for cost in (graded.task_cost, graded.grading_cost, graded.measuring_cost) if cost)
        + once[graded.key].cpu_s
        for graded in played
    )
    return MachineUse(
        session=0,
        wall_s=metered,
        cores=2,
        setup_cpu_s=0.0 if number else 3.5,
        cpu_s={"driver": metered + 0.4},
        consensus=Cost(cpu_s=0.02),
        bookkeeping=Cost(cpu_s=0.03),
    )


Bodies = list[tuple[str, str, dict[str, Any]]]
"""Entries of a record: kind, place and body."""


def copy_of(record: RunRecord, folder: Path) -> Path:
    """Copy a run, so that a test can change it."""
    return Path(shutil.copytree(record.folder, folder / "run"))


def rewrite(folder: Path, change: Callable[[Bodies], object]) -> None:
    """Change the entries of a record and recompute all hashes."""
    with sqlite3.connect(folder / "record.sqlite") as connection:
        name = connection.execute("select distinct run from subnetlab_entries").fetchone()[0]
        rows = connection.execute("select kind, place, body from subnetlab_entries order by seq").fetchall()
        entries = [(kind, place, json.loads(body)) for kind, place, body in rows]
        change(entries)
        connection.execute("delete from subnetlab_entries")
        insert_entries(connection, name, entries)
    connection.close()
