"""Section on graders that need no judge, on the study's own recorded answers."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from lab.report.section import Caption, Cell, Column, Section
from lab.studies.grading.grades import GradingData
from lab.studies.grading.peers.crowds import Crowd, Scheme
from lab.studies.grading.peers.graders import NEED_GOLD, PEER_GRADERS
from lab.studies.grading.peers.recorded import Cast, recorded_crowd
from lab.studies.grading.peers.trials import LOWEST_BEST, Floats, premium, ranking

SHARES = (0.0, 0.25, 0.5, 0.6)
SCHEMES: tuple[Scheme, ...] = ("key", "mimic")
DRAWS = 3
"""Draws of the gold tasks."""


def recorded_sections(data: GradingData) -> list[Section]:
    """Return the section; none where too few honest miners are known, or answers can't be compared."""
    cast = Cast.of(data)
    crowds = {share: _crowds(data, cast, share) for share in SHARES} if cast is not None else {}
    if cast is None or not crowds[0.0]:
        return []
    names = [data.miners[column].name for column in cast.adversaries]
    plain = crowds[0.0][0]
    rows = []
    for name, grade in PEER_GRADERS.items():
        scores = {share: [grade(crowd) for crowd in of_share] for share, of_share in crowds.items()}
        pairs = {share: list(zip(crowds[share], scores[share], strict=True)) for share in SHARES}
        cells: list[Cell] = [float(np.mean([ranking(*pair) for pair in pairs[share]])) for share in SHARES]
        cells.append(max(premium(*pair) for share in SHARES[1:] for pair in pairs[share]))
        cells += [float(np.mean([_premium_of(pair, place) for pair in pairs[0.0]])) for place in range(len(names))]
        rows.append((name, *cells, plain.gold if name in NEED_GOLD else 0))
    return [
        Section(
            "peers_recorded",
            "The same on the recorded answers",
            Caption(
                "Share of the pairs of honest miners in the right order, by the share of the miners that collude. The "
                f"validator's own answers are those of {data.miners[cast.own].name!r}; "
                f"{len(cast.honest)} other honest miners are ranked on {len(data.keys)} tasks. Colluders are added: "
                "they share the honest miners' commonest wrong answer, or copy the validator. A premium is what one "
                "earns beyond the best honest one, as a multiple of what that one earns.",
                "These are the same answers throughout, and only the gold tasks are drawn again, so there is no "
                "interval. Gold is counted in parts of tasks, such as words.",
            ),
            (
                Column("grader", "grader"),
                *(Column(f"ranking_{share:g}", f"{100 * share:.0f} % collude", 2) for share in SHARES),
                Column("premium", "highest premium of colluders", 2),
                *(Column(f"premium_{name}", f"premium of {name}", 2) for name in names),
                Column("gold", "gold", 0),
            ),
            tuple(rows),
        )
    ]


def _crowds(data: GradingData, cast: Cast, share: float) -> Sequence[Crowd]:
    schemes = SCHEMES if share else SCHEMES[:1]
    drawn = (recorded_crowd(data, cast, share, scheme, seed) for scheme in schemes for seed in range(DRAWS))
    return [crowd for crowd in drawn if crowd is not None]


def _premium_of(pair: tuple[Crowd, Floats], place: int) -> float:
    """Return the premium of one adversary of the study in a crowd without colluders."""
    crowd, scores = pair
    best = max(float(scores[list(crowd.honest)].max()), LOWEST_BEST)
    return float(scores[1 + len(crowd.honest) + place]) / best - 1.0
