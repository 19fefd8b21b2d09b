"""Section on graders that need no judge: who ranks miners rightly, and who pays colluders, by their share."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from lab.report.section import Caption, Cell, Column, Section
from lab.statistics import Estimate, mean
from lab.studies.grading.peers.crowds import Family, Scheme
from lab.studies.grading.peers.graders import NEED_GOLD, PEER_GRADERS
from lab.studies.grading.peers.trials import Trial, trials

SHARES = (0.0, 0.25, 0.5, 0.6)
OWN = (0.3, 0.7)
"""Accuracies of the validator's own answers."""
SCHEMES: tuple[Scheme, ...] = ("key", "mimic")
REPLICATIONS = 3

COLUMNS = (
    Column("grader", "grader"),
    *(Column(f"ranking_{share:g}", f"{100 * share:.0f} % collude", 2) for share in SHARES),
    Column("premium", "highest premium", 2),
    Column("ranking_aware", "50 %, gold recognised", 2),
    Column("gold", "gold tasks", 0),
)


def peers_section(wrong: int) -> Section:
    """Return the table of the graders for tasks with `wrong` wrong answers."""
    by_share = {share: list(_played(_families(wrong, share))) for share in SHARES}
    # Exact copies would be found out even so.
    aware = [trials(replace(each, scheme="key 80 %", aware=True), REPLICATIONS) for each in _families(wrong, 0.5)[::2]]
    plain = Family(wrong=wrong)
    rows = []
    for name in PEER_GRADERS:
        cells: list[Cell] = [_ranking(results[name] for results in by_share[share]) for share in SHARES]
        gains = [results[name].gained for share in SHARES[1:] for results in by_share[share]]
        cells += [max(gains), _ranking(results[name] for results in aware)]
        rows.append((name, *cells, plain.gold if name in NEED_GOLD else 0))
    return Section(
        "peers",
        "Can miners be ranked without a judge that knows more than they do?",
        Caption(
            "Share of the pairs of honest miners that each grader orders rightly, by the share of miners that collude: "
            f"{plain.miners} miners, {plain.tasks} tasks with {wrong} wrong answers each, honest ones right half to "
            "nine tenths of the time. Colluders follow one wrong key or copy the validator. A premium is what they "
            "earn beyond the best honest miner, as a multiple of what that one earns. Gold tasks are what costs: their "
            "truth must be known.",
            "Simulated. The order that counts is that of how often miners were right on these tasks. Colluders who "
            "recognise gold answer it rightly and mostly follow their key elsewhere: the jury's known hole. Sources of "
            "the formulas are in lab/studies/grading/peers/graders.py.",
        ),
        COLUMNS,
        tuple(rows),
    )


def _families(wrong: int, share: float) -> list[Family]:
    """Return the families whose figures are averaged at one share of colluders."""
    schemes = SCHEMES if share else SCHEMES[:1]
    return [Family(wrong=wrong, own=own, colluding=share, scheme=scheme) for own in OWN for scheme in schemes]


def _played(families: Iterable[Family]) -> Iterable[dict[str, Trial]]:
    return (trials(family, REPLICATIONS) for family in families)


def _ranking(results: Iterable[Trial]) -> Estimate:
    return mean(np.concatenate([trial.ranking for trial in results]).tolist())
