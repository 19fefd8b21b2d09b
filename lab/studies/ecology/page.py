"""Page of the ecology study, its long table, and the summary that `--json` prints."""

from __future__ import annotations

from functools import partial
from typing import Any

from lab.report.section import Caption, Column, Picture, Publication, Section
from lab.results.words import counted
from lab.statistics import Estimate, mean
from lab.statistics.interval import UNIT

from .evolution import Cell, EcologyData
from .plots import draw_course, draw_phases

MAJORITY = 0.5
"""Share of a kind from which on a strategy has taken over."""


def page(data: EcologyData) -> Publication:
    """Write the study's findings and sections."""
    config = data.config
    return Publication(
        name="ecology",
        title="Which strategies take over if profit is imitated",
        findings=tuple(_finding(data, hidden) for hidden in config.concealments),
        sections=(*(_phases(data, hidden) for hidden in config.concealments), _copying(data), _course(data)),
        facts=(
            ("subnet", f"{config.miners} miners, half of them cheaters, and {config.validators} validators"),
            ("simulated", f"{counted(config.generations, 'generation')} of one epoch, {counted(config.seeds, 'seed')}"),
            ("measured", f"the last {counted(config.measured, 'generation')}"),
            ("costs", f"working {config.working_cost:g} and grading {config.grading_cost:g} of the mean pay"),
        ),
    )


def name_of(hidden: int | None) -> str:
    """Name who validates."""
    if hidden is None:
        return "honest validators"
    return f"weights hidden for {counted(hidden, 'epoch')}" if hidden else "visible weights"


def cells(data: EcologyData, hidden: int | None) -> list[Cell]:
    """Return the cells of one phase diagram."""
    return [cell for cell in data.cells if cell.concealment == hidden]


def _finding(data: EcologyData, hidden: int | None) -> str:
    diagram = cells(data, hidden)
    cheated = sum((cell.cheaters.value or 0.0) > MAJORITY for cell in diagram)
    cheating = f"cheaters take over the miners in {cheated} of {len(diagram)} conditions"
    if hidden is not None:
        copied = sum((cell.copiers.value or 0.0) > MAJORITY for cell in diagram)
        return f"With {name_of(hidden)}, copiers take over the validators in {copied}, and {cheating}."
    told = sum(
        ((cell.cheaters.value or 0.0) > MAJORITY) == (data.config.invades(cell.detection, cell.cheating_cost) > 0)
        for cell in diagram
    )
    return f"With {name_of(hidden)}, {cheating}; the closed form says which in {told} of them."


def _phases(data: EcologyData, hidden: int | None) -> Section:
    config, diagram = data.config, {(cell.detection, cell.cheating_cost): cell for cell in cells(data, hidden)}
    return Section(
        key="phases_" + ("honest" if hidden is None else f"hidden_{hidden}"),
        title=f"How many miners cheat, with {name_of(hidden)}?",
        caption=Caption(
            f"{_finding(data, hidden)} The table gives the share of miners that cheat, by the grader's chance to see "
            "through a cheated answer and by what cheating costs. Below the line, a cheater among workers profits more "
            "than they do if validators are honest.",
            "Miners know two strategies and validators two, all with equal stake. Nobody enters or leaves, and costs "
            "are shares of the mean pay, so they don't fall when a token does.",
        ),
        columns=(
            Column("detection", "seen through", 0, " %", 100, names=True),
            *(
                Column(f"cheaters_{cost:g}", f"cheating costs {cost:g}", 2, shaded=True)
                for cost in config.cheating_costs
            ),
        ),
        rows=tuple(
            (detection, *(diagram[detection, cost].cheaters for cost in config.cheating_costs))
            for detection in config.detections
        ),
        picture=Picture(partial(draw_phases, data, cells(data, hidden)), 340, 320),
    )


def _copying(data: EcologyData) -> Section:
    """Compare who validates over all conditions, one observation for each seed."""
    rows: list[tuple[str | Estimate, ...]] = []
    late = slice(data.config.generations - data.config.measured, None)
    for hidden in data.config.concealments:
        places = [place for place, cell in enumerate(data.cells) if cell.concealment == hidden]
        by_seed = [each[late, places].mean(axis=(0, 1)) for each in (data.cheaters, data.copiers)]
        rows.append((name_of(hidden), *(mean(seeds.tolist(), UNIT) for seeds in by_seed)))
    return Section(
        key="validators",
        title="What does it matter who validates?",
        caption=Caption(
            "Shares of cheating miners and of copying validators over all conditions of a diagram.",
            "The conditions are those of this study, so a mean over them says only which kind of validation is safer.",
        ),
        columns=(
            Column("validation", "validation"),
            Column("cheaters", "miners that cheat", 0, " %", 100),
            Column("copiers", "validators that copy", 0, " %", 100),
        ),
        rows=tuple(rows),
    )


def _course(data: EcologyData) -> Section:
    return Section(
        key="course",
        title="How fast does it happen?",
        caption=Caption(
            "The shares of cheating miners (solid) and of copying validators (dashed) by generation, over all "
            "conditions and seeds.",
            "A generation is an epoch in which one miner and one validator reconsider; how long that takes real "
            "operators is not known.",
        ),
        picture=Picture(partial(draw_course, data, {hidden: name_of(hidden) for hidden in data.config.concealments})),
    )


def tables(data: EcologyData) -> tuple[Section, ...]:
    """Return every condition of the study as one long table."""
    keys = ("detection", "cheating_cost", "concealment_epochs", "invasion", "cheaters", "copiers")
    return (
        Section(
            key="ecology",
            title="Shares of strategies by condition",
            caption=Caption("", ""),
            columns=tuple(Column(key, key) for key in keys),
            rows=tuple(
                (
                    cell.detection,
                    cell.cheating_cost,
                    cell.concealment,
                    round(data.config.invades(cell.detection, cell.cheating_cost), 6),
                    cell.cheaters,
                    cell.copiers,
                )
                for cell in data.cells
            ),
        ),
    )


def summary(data: EcologyData) -> dict[str, Any]:
    """Return every condition of the study with its intervals."""
    return {
        "generations": data.config.generations,
        "cells": [
            {
                "detection": cell.detection,
                "cheating_cost": cell.cheating_cost,
                "concealment_epochs": cell.concealment,
                **{
                    name: {"value": share.value, "low": share.low, "high": share.high, "n": share.n}
                    for name, share in (("cheaters", cell.cheaters), ("copiers", cell.copiers))
                },
            }
            for cell in data.cells
        ],
    }
