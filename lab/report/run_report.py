"""The report of a run, made from its record alone: a list of sections, as one HTML file or in the terminal.

    run = RunFigures.of(RunRecord.open(Path("runs/ocr")))
    write_report(run, Path("runs/ocr/report.html"))

The same record gives the same bytes. A new section is a function in a file of `sections` and its name in `SECTIONS`.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from lab.files import write_atomically
from lab.results.customers import CustomerFigures
from lab.results.run_figures import RunFigures
from lab.results.words import counted

from .html import page
from .section import Publication, Section
from .sections.bill import bill
from .sections.customers import customers
from .sections.effort import effort
from .sections.faults import faults
from .sections.incentive import incentive
from .sections.pay import pay
from .sections.samples import samples
from .sections.scores import scores
from .sections.summary import findings, summary, title
from .sections.weights import weights
from .sections.worth import worth

SECTIONS: tuple[Callable[[RunFigures], Section | None], ...] = (
    summary,
    scores,
    pay,
    worth,
    customers,
    incentive,
    weights,
    bill,
    faults,
    effort,
    samples,
)
"""A section of what a run does not have is None."""
IN_SHORT = (summary, scores, pay, worth, customers, bill)
"""Sections that the terminal prints unless it is asked for everything."""


def write_report(run: RunFigures, path: Path) -> Path:
    """Write the report of a run, finished or not, and return its path.

    Raises:
        AuditError: an answer that it should show is missing from it.
    """
    return write_publication(report(run), path)


def write_publication(publication: Publication, path: Path) -> Path:
    """Write a report that has been worked out, and return its path."""
    return write_atomically(path, page(publication))


def html(run: RunFigures) -> str:
    """Return the report as one HTML document."""
    return page(report(run))


def report(run: RunFigures) -> Publication:
    """Return all sections, what was run, and the run in a few sentences."""
    facts = _facts(run)
    named = dict(facts)
    meta = [named.get("started", ""), f"seed {named['seed']}", named.get("machine", "")]
    return Publication(
        name=run.record.folder.resolve().name,
        title=title(run.results),
        findings=tuple(findings(run)),
        sections=sections(run),
        facts=facts,
        kind="run",
        meta=" · ".join(filter(None, meta)),
        closing="Everything here was worked out from the run's record. `subnetlab audit` recomputes every task, grade, "
        "weight and payout and compares.",
        appendices=(("Config, as recorded", json.dumps(run.results.start.config, indent=2, sort_keys=True)),),
    )


def heading(run: RunFigures) -> tuple[str, str]:
    """Return what was run, and the run's name and seed."""
    name = run.record.folder.resolve().name
    return title(run.results), f"run: {name} · seed {run.results.config.seed}"


def sections(run: RunFigures, *, short: bool = False) -> tuple[Section, ...]:
    """Return all sections, or those of `IN_SHORT`; none before the first complete epoch."""
    if not run.results.epochs:
        return ()
    chosen = (section(run) for section in (IN_SHORT if short else SECTIONS))
    return tuple(section for section in chosen if section is not None)


def as_json(run: RunFigures) -> dict[str, Any]:
    """Return the run's figures as plain values."""
    results, bill, quality = run.results, run.bill, run.pay_quality
    market = {} if run.worth is None else {"worth": asdict(run.worth)}
    sold = {} if run.customers is None else {"customers": _customers_json(run.customers)}
    return (
        market
        | sold
        | {
            "complete": results.complete,
            "epochs": len(results.epochs),
            "rounds": len(results.rounds),
            "neurons": [asdict(neuron) for neuron in results.neurons],
            "pay_follows_quality": asdict(quality) | {"sentence": quality.sentence},
            "bill": asdict(bill) | {"prices": bill.prices.model_dump(), "subnet_usd": bill.subnet_usd},
        }
    )


def _customers_json(figures: CustomerFigures) -> dict[str, Any]:
    """Return what customers think, with each miner by its name, since its other figures are given elsewhere."""
    miners = [asdict(each) | {"miner": each.miner.name} for each in figures.miners]
    return asdict(figures) | {"miners": miners}


def _facts(run: RunFigures) -> tuple[tuple[str, str], ...]:
    record, results = run.record, run.results
    config, machine = results.config, _machine(record.folder)
    facts = (
        ("started", str(machine.get("started", "")).replace("T", " ").replace("+00:00", " UTC")),
        ("seed", str(config.seed)),
        ("subnet", str(results.start.config["subnet"]["kind"])),
        (
            "epochs",
            f"{len(results.epochs)} of {config.chain.epochs}, each with "
            f"{counted(config.chain.rounds_per_epoch, 'round')} of every validator",
        ),
        ("pool", config.pool.kind),
        ("machine", f"{machine['system']}, {machine['cores']} cores" if "system" in machine else ""),
        ("python", str(machine.get("python", ""))),
        ("versions", ", ".join(f"{name} {version}" for name, version in machine.get("versions", {}).items())),
        ("prices", f"${config.prices.cpu_hour_usd:g} for a core-hour, as of {config.prices.date}"),
        ("record", f"{counted(len(record), 'entry')}, the last with hash {record.head[:16]}…"),
    )
    return tuple((name, value) for name, value in facts if value)


def _machine(folder: Path) -> dict[str, Any]:
    """Read where the run took place; empty if that was not kept."""
    try:
        machine = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return machine if isinstance(machine, dict) else {}
