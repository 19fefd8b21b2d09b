"""What one machine takes for a run, for the report of a large record, and for an audit.

    python benchmarks/one_machine.py [run] [report] [audit] [--answers 1000000] [--against ../older-checkout]

run      CPU of an answer: 64 oracles and 8 validators on LocalPool. Two runs of different length give the slope, so
         that imports and the start don't count.
report   CPU and memory of `subnetlab report` on a record of so many answers: the rounds of a real run, repeated.
audit    answers a second of CPU that `subnetlab audit` grades again by text, and its memory, at two lengths.

Every measurement is a process of its own, one after another. `--against` measures the code of another checkout on the
same records and prints the ratios.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

MINERS, VALIDATORS = 64, 8
SHORT, LONG = 5, 25
"""Rounds of each validator in the two runs whose difference counts."""
PER_EPOCH = 10
CONFIG = """
seed = 3
subnet = "text_prompting"
pool = {{kind = "local"}}
chain = {{epochs = 1, rounds_per_epoch = {per_epoch}}}
[[miners]]
kind = "oracle"
name = "oracle"
p = {p}
count = {miners}
[[validators]]
name = "judge"
count = {validators}
"""
MEASURED = """
import resource, sys
{work}
own, children = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
cpu_s = own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime
print(cpu_s, own.ru_maxrss / 1024, file=sys.stderr)
"""
RUN = """
from pathlib import Path
from lab.config.run_config import RunConfig
from lab.run.session import run
config = RunConfig.read(Path({config!r}), {{"chain.rounds_per_epoch": "{rounds}"}})
run(config, Path({folder!r}), mode="clean").close()
"""
COMMAND = """
from lab.cli.main import main
sys.argv = ["subnetlab", *{arguments!r}]
try:
    main()
except SystemExit as end:
    assert not end.code, end.code
"""


@dataclass(frozen=True)
class Use:
    """What a process used."""

    cpu_s: float
    peak_mb: float


def measure(work: str, checkout: Path) -> Use:
    """Run a piece of work in a process of its own, with the code of a checkout."""
    environment = os.environ | {"PYTHONPATH": str(checkout)}
    script = MEASURED.format(work=work)
    ended = subprocess.run(
        [sys.executable, "-c", script], cwd=checkout, env=environment, capture_output=True, text=True, check=False
    )
    if ended.returncode:
        raise SystemExit(ended.stderr)
    cpu_s, peak_mb = map(float, ended.stderr.split()[-2:])
    return Use(cpu_s, peak_mb)


def write_config(folder: Path, p: float) -> Path:
    """Write the config of the runs."""
    path = folder / f"oracles-{p}.toml"
    path.write_text(CONFIG.format(p=p, miners=MINERS, validators=VALIDATORS, per_epoch=PER_EPOCH))
    return path


def run_us(folder: Path, checkout: Path, p: float) -> float:
    """Return the microseconds of CPU that an answer takes."""
    config = str(write_config(folder, p))
    works = [RUN.format(config=config, rounds=rounds, folder=str(folder / "run")) for rounds in (SHORT, LONG)]
    measure(works[0], checkout)  # compiles the consensus, once for each checkout
    short, long = (measure(work, checkout).cpu_s for work in works)
    return 1e6 * (long - short) / ((LONG - SHORT) * MINERS * VALIDATORS)


def played(folder: Path, epochs: int) -> Path:
    """Play a run of so many epochs; return its folder."""
    from lab.config.run_config import RunConfig
    from lab.run.session import run

    config = RunConfig.read(write_config(folder, 0.8), {"chain.epochs": str(epochs)})
    run(config, folder / f"played-{epochs}").close()
    return folder / f"played-{epochs}"


def repeated(folder: Path, answers: int) -> Path:
    """Make a record of about so many answers out of the rounds of one epoch; return its folder."""
    from lab.files import read_json, write_json
    from lab.record.entries import End, Epoch, GradedRound, Start
    from lab.record.record import Draft, RunRecord
    from lab.record.run_folder import open_run

    per_epoch = PER_EPOCH * VALIDATORS
    epochs = max(1, answers // (per_epoch * MINERS))
    source, target = played(folder, 1), folder / "repeated"
    target.mkdir()
    machine, config = read_json(source / "run.json"), read_json(source / "config.json")
    config["chain"]["epochs"] = epochs
    write_json(target / "run.json", machine)
    write_json(target / "config.json", config)
    with open_run(source) as record, RunRecord.create(target, run=machine["run"]) as copy:
        entry = record.find("start", "run")
        assert entry is not None
        start = Start.of(entry).model_copy(update={"config": config})
        rounds = [GradedRound.of(each) for each in record.entries("round")]
        (epoch,) = map(Epoch.of, record.entries("epoch"))
        blobs = {answer.blob for each in rounds for answer in each.answers if answer.blob is not None}
        copy.append([Draft("start", "run", start.model_dump(mode="json"))], [record.blob(blob) for blob in blobs])
        for number in range(epochs):
            drafts = []
            for each in rounds:
                moved = each.model_copy(update={"number": each.number + number * PER_EPOCH})
                drafts.append(moved.draft("round", moved.key))
            ended = epoch.model_copy(update={"number": number})
            copy.append([*drafts, ended.draft("epoch", ended.key)])
        copy.append([End(rounds=epochs * per_epoch).draft("end", "run")])
    return target


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("what", nargs="*", default=["run", "report", "audit"], help="run, report, audit")
    options.add_argument("--answers", type=int, default=1_000_000)
    options.add_argument("--against", type=Path)
    asked = options.parse_args()
    checkouts = [Path(__file__).resolve().parents[1], *([asked.against.resolve()] if asked.against else [])]
    rows: list[tuple[str, list[float]]] = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if "run" in asked.what:
            for p in (1.0, 0.8):
                rows.append((f"run, p={p}: CPU us an answer", [run_us(folder, code, p) for code in checkouts]))
        if "report" in asked.what:
            record = str(repeated(folder, asked.answers))
            work = COMMAND.format(arguments=["report", record, "--json"])
            uses = [measure(work, code) for code in checkouts]
            count = json.loads((Path(record) / "config.json").read_text())["chain"]["epochs"]
            title = f"report of {count * PER_EPOCH * MINERS * VALIDATORS:,} answers"
            rows.append((f"{title}: CPU s", [use.cpu_s for use in uses]))
            rows.append((f"{title}: peak MB", [use.peak_mb for use in uses]))
        if "audit" in asked.what:
            short, long = played(folder, 2), played(folder, 8)
            works = [COMMAND.format(arguments=["audit", str(each)]) for each in (short, long)]
            answers = 6 * PER_EPOCH * MINERS * VALIDATORS
            uses_by_code = [[measure(work, code) for work in works] for code in checkouts]
            rates = [answers / (second.cpu_s - first.cpu_s) for first, second in uses_by_code]
            rows.append(("audit: answers a second of CPU", rates))
            growth = [1e6 / answers * (second.peak_mb - first.peak_mb) for first, second in uses_by_code]
            rows.append(("audit: MB more for 1,000,000 answers", growth))
    print(f"{'':46}{'this code':>12}" + (f"{'the other':>12}{'ratio':>8}" if asked.against else ""))
    for title, values in rows:
        ratio = f"{values[1]:12,.1f}{values[0] / values[1] if values[1] else 0.0:8.3f}" if asked.against else ""
        print(f"{title:46}{values[0]:12,.1f}{ratio}")


if __name__ == "__main__":
    main()
