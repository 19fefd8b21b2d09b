"""Data of the querying study."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from validators import Watchful

from .bandits import FIELDS, Race, race
from .config import QueryingConfig
from .contest import PolicyContest, contest
from .savings import CHANCES, SIGNALS, Cascaded, cascaded, strata_share
from .shirking import Shirker, shirker


@dataclass(frozen=True, slots=True, eq=False)
class QueryingData:
    """Results of the study."""

    config: QueryingConfig
    contests: tuple[PolicyContest, ...]
    shirkers: tuple[Shirker, ...]
    """One for each watchful policy."""
    races: tuple[Race, ...]
    cascades: tuple[Cascaded, ...]
    strata: float
    """Share of the queries that the most telling stratum needs."""


def querying(
    config: QueryingConfig | None = None, progress: Callable[[int, int], None] = lambda done, total: None
) -> QueryingData:
    """Simulate the whole study; `progress` receives the parts done and in total."""
    config = config or QueryingConfig()
    worlds = [(change, world) for world in config.worlds for change in config.changes]
    watchful = [policy for policy in config.policies if isinstance(policy.ledger, Watchful)]
    total = len(worlds) + len(watchful) + len(FIELDS)
    contests: list[PolicyContest] = []
    shirkers: list[Shirker] = []
    races: list[Race] = []
    for change, world in worlds:
        contests.append(contest(config, change, world))
        progress(len(contests), total)
    for policy in watchful:
        shirkers.append(shirker(config, policy))
        progress(len(contests) + len(shirkers), total)
    for field in FIELDS:
        races.append(race(field, config.rankings))
        progress(len(contests) + len(shirkers) + len(races), total)
    cascades = tuple(cascaded(signal, chance) for signal, chance in zip(SIGNALS, CHANCES, strict=True))
    return QueryingData(config, tuple(contests), tuple(shirkers), tuple(races), cascades, strata_share())
