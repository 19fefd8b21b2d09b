"""The report of a run: one HTML file, made from the record alone.

    write_report(RunRecord.open(Path("runs/ocr")), Path("runs/ocr/report.html"))

The same record gives the same bytes.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lab.record.record import RunRecord
from lab.results.bill import Bill
from lab.results.neurons import NeuronResult, NeuronResults, by_quality
from lab.results.pay_quality import PayQuality
from lab.results.sample_answers import samples
from lab.results.words import counted
from subnets import Fault

from . import captions
from .charts import bill_of_a_task, incentive_by_epoch, incentives, pay_by_quality, score_against_quality
from .html import Chart, chart, render, write
from .palette import PARTS
from .plotting import rows_px

MOST_ROWS = 60
"""Miners in a chart with a row for each; the tables list all."""


@dataclass(frozen=True, slots=True)
class Fact:
    """One line of what was run."""

    name: str
    value: str


def write_report(record: RunRecord, path: Path) -> Path:
    """Write the report of a run, finished or not, and return its path.

    Raises:
        RecordError: the record can't be read.
        AuditError: an answer that it should show is missing from it.
    """
    return write(html(record), path)


def html(record: RunRecord) -> str:
    """Return the report as text."""
    standings, bill = NeuronResults.of(record), Bill.of(record)
    agreement = PayQuality.of(standings)
    shown = by_quality(standings.miners)[:MOST_ROWS]
    lines = incentives(standings)
    sheet, weights = samples(record, standings), _weights(standings)
    about = {
        "scores": captions.of_scores(standings, agreement),
        "pay": captions.of_pay(standings, agreement),
        "incentive": captions.of_incentive(standings, lines),
        "weights": captions.of_weights(standings),
        "bill": captions.of_bill(bill),
        "faults": captions.of_faults(standings),
        "effort": captions.of_effort(standings),
        "samples": captions.of_samples(sheet, standings),
    }
    alts = {name: f"{caption.shows} The figures are in the tables." for name, caption in about.items()}
    charts: dict[str, Chart] = {}
    if standings.epochs:
        rows = rows_px(len(shown))
        charts = {
            "scores": chart(
                "scores",
                alts["scores"],
                lambda ax: score_against_quality(shown, ax=ax),
                height_px=rows,
                phone_px=rows,
            ),
            "pay": chart(
                "pay", alts["pay"], lambda ax: pay_by_quality(shown, ax=ax), height_px=rows - 26, phone_px=rows - 26
            ),
            "incentive": chart(
                "incentive",
                alts["incentive"],
                lambda ax: incentive_by_epoch(standings, ax=ax),
                height_px=330,
                phone_px=300,
            ),
            "bill": chart("bill", alts["bill"], lambda ax: bill_of_a_task(bill, ax=ax), height_px=140, phone_px=140),
        }
    return render(
        "report.html",
        title=f"{_kind(standings).rpartition(':')[2]}: {counted(len(standings.miners), 'miner')}, "
        f"{counted(len(standings.validators), 'validator')}, {counted(len(standings.epochs), 'epoch')}",
        standings=standings,
        miners=by_quality(standings.miners),
        cut=len(standings.miners) - len(shown),
        short=captions.in_short(bill, agreement, standings),
        bill=bill,
        colours={group: f"c{place}" for place, group in enumerate(PARTS)},
        about=about,
        charts=charts,
        fault_kinds=[fault for fault in Fault if any(fault in one.faults for one in standings.miners)],
        writes=any(one.usd_token.n for one in standings.miners),
        unscored=any(one.unscored for one in standings.miners),
        sheet=sheet,
        facts=_facts(record, standings),
        config=json.dumps(standings.start.config, indent=2, sort_keys=True),
        weights=weights,
        most_weight=max([*(share or 0.0 for _, row, last in weights for share in (*row, last)), 1e-9]),
        most_cpu_s=max([*(part.cost.cpu_s for part in bill.subnet_parts), 1e-9]),
        dishonest=any(not one.honest for one in standings.miners),
        folder=record.folder.resolve().name,
    )


def _weights(standings: NeuronResults) -> list[tuple[NeuronResult, list[float | None], float]]:
    """Return for each miner the weights of all validators, None where one submitted nothing, and its consensus."""
    rows = standings.epochs[-1].weights if standings.epochs else {}
    return [
        (
            miner,
            [rows[one.uid].get(miner.uid, 0.0) if one.uid in rows else None for one in standings.validators],
            miner.consensus,
        )
        for miner in by_quality(standings.miners)
    ]


def _facts(record: RunRecord, standings: NeuronResults) -> list[Fact]:
    config, machine = standings.config, _machine(record.folder)
    head = ""
    for entry in record.entries():
        head = entry.hash
    versions = ", ".join(f"{name} {version}" for name, version in machine.get("versions", {}).items())
    facts = [
        ("started", str(machine.get("started", "")).replace("T", " ").replace("+00:00", " UTC")),
        ("seed", str(config.seed)),
        ("subnet", _kind(standings)),
        (
            "epochs",
            f"{len(standings.epochs)} of {config.chain.epochs}, {config.chain.rounds_per_epoch} rounds of each "
            "validator in one",
        ),
        ("pool", config.pool.kind),
        ("machine", f"{machine['system']}, {machine['cores']} cores" if "system" in machine else ""),
        ("python", str(machine.get("python", ""))),
        ("versions", versions),
        ("prices", f"${config.prices.cpu_hour_usd:g} for a core-hour, as of {config.prices.date}"),
        ("record", f"{len(record):,} entries, the last with hash {head[:16]}…"),
    ]
    return [Fact(name, value) for name, value in facts if value]


def _kind(standings: NeuronResults) -> str:
    return str(standings.start.config["subnet"]["kind"])


def _machine(folder: Path) -> dict[str, Any]:
    """Read where the run was made; empty where that was not kept."""
    try:
        found = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
