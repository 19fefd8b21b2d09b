"""Processes that are killed at random times: a run goes on where it was, and a chain keeps what it confirmed."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from random import Random

from consensus import Chain, ConsensusError
from lab.errors import LabError
from lab.record.entries import GradedRound
from lab.record.run_folder import open_run
from lab.run.audit import audit

from .files import CONFIG
from .tally import Tally

ROOT = Path(__file__).parents[2]
ROUNDS = 90
START_S = 60.0
"""Longest time in which a process must begin its work."""
MAX_MISSED = 4


def runs(tally: Tally, random: Random, until: float) -> None:
    """Kill a run again and again, let it end, and compare it with one that was never killed."""
    with tempfile.TemporaryDirectory() as place:
        chain = {"epochs": 3, "rounds_per_epoch": ROUNDS // 3}
        config = _as_toml(Path(place) / "config.toml", {**CONFIG, "chain": chain})
        whole = Path(place) / "whole"
        started = time.monotonic()
        _play(config, whole).wait()
        took_s = time.monotonic() - started
        expected = _outcome(whole)
        number = 0
        # A run that ends before it is killed was measured while the machine was busier: the next one is killed earlier.
        while (not tally.thrown and number < MAX_MISSED) or time.monotonic() + 2 * took_s < until:
            number += 1
            folder = Path(place) / f"killed-{number}"
            _kill_until_done(tally, random, until - took_s, config, folder, took_s)
            took_s *= 1.0 if tally.thrown else 0.6
            try:
                with open_run(folder) as record:
                    audit(record)
                if _outcome(folder) != expected:
                    tally.lost.append(f"run {number} has other rounds, scores or pay than the one never killed")
            except LabError as error:
                tally.lost.append(f"run {number} can't be audited: {error}")


def _kill_until_done(tally: Tally, random: Random, until: float, config: Path, folder: Path, took_s: float) -> None:
    """Start and kill a run, at least once; the last start is left to end."""
    first = True
    while True:
        process = _play(config, folder)
        kill, first = first or time.monotonic() < until, False
        try:
            process.wait(random.uniform(0.3, 0.95) * took_s if kill else START_S + 10 * took_s)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            tally.thrown += 1
            tally.harmless += 1
            if not kill:
                tally.lost.append("a run that was continued did not end")
                return
            continue
        if process.returncode:
            tally.raised.append((process.stderr.read() if process.stderr else "")[-600:])
        return


def _play(config: Path, folder: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "lab", "run", str(config), "--out", str(folder), "--json"]
    if (folder / "config.json").exists():
        command.append("--resume")
    elif folder.exists():
        command.append("--clean")
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)


def _as_toml(path: Path, config: dict[str, object]) -> Path:
    """Write a config of tables of simple values."""
    lines: list[str] = []
    for name, value in config.items():
        if isinstance(value, dict):
            lines += [f"[{name}]", *(f"{key} = {_inline(inner)}" for key, inner in value.items())]
        elif isinstance(value, list):
            for row in value:
                lines += [f"[[{name}]]", *(f"{key} = {_inline(inner)}" for key, inner in row.items())]
        else:
            lines.insert(0, f"{name} = {_inline(value)}")
    path.write_text("\n".join(lines) + "\n")
    return path


def _inline(value: object) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key} = {_inline(inner)}" for key, inner in value.items()) + "}"
    return json.dumps(value)


def _outcome(folder: Path) -> list[object]:
    """Return what a run decided: rounds with their scores, and pay; not what its clocks measured."""
    with open_run(folder) as record:
        rounds = [GradedRound.of(entry) for entry in record.entries("round")]
        scored = sorted(
            (each.key, [(answer.uid, answer.score, answer.fault, answer.blob) for answer in each.answers])
            for each in rounds
        )
        return [*scored, *(entry.body["pay"] for entry in record.entries("epoch"))]


def chains(tally: Tally, random: Random, until: float) -> None:
    """Kill a process that moves tokens and confirms blocks; every block that it named is kept, and no token is lost."""
    with tempfile.TemporaryDirectory() as place:
        path = Path(place) / "chain.db"
        last_block, issued = 0, 0
        while time.monotonic() < until or not tally.thrown:
            process = subprocess.Popen(
                [sys.executable, "-m", "benchmarks.attack.chain_writer", str(path)],
                cwd=ROOT,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
            assert process.stdout is not None and process.stderr is not None
            first = process.stdout.readline()
            if not first:
                tally.raised.append(process.stderr.read()[-600:])
                return
            time.sleep(random.uniform(0.0, 0.4))
            process.kill()
            blocks = [int(line) for line in [first, *process.stdout.read().split("\n")] if line.strip()]
            process.wait()
            last_block = max(last_block, *blocks)
            tally.thrown += 1
            try:
                with Chain.open(path) as chain:
                    supply = chain.supply()
                    if chain.block <= last_block:
                        tally.lost.append(f"block {last_block} was confirmed, and the chain is at {chain.block}")
                    if sum(supply[part] for part in ("balances", "stake", "locked", "pending")) != supply["issuance"]:
                        tally.lost.append(f"tokens do not add up: {supply}")
                    if issued and supply["issuance"] != issued:
                        tally.lost.append(f"{issued} rao were issued, and {supply['issuance']} are there")
                    issued = supply["issuance"]
                    tally.harmless += 1
            except ConsensusError as error:
                tally.lost.append(f"a chain whose writer was killed can't be opened: {error}")
                return
