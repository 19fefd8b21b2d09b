"""Refuse a scorer that grades by the references of another subnet before it fails on every answer."""

from __future__ import annotations

from collections.abc import Iterator

from subnets import SUBNETS, PluginError, Scorer, Subnet

from .registry import SCORERS
from .scorers.weighted import Weighted


def check_scorer(scorer: Scorer, subnet: Subnet) -> None:
    """Check that a scorer, and every part of a weighted one, can grade the answers of `subnet`.

    Raises:
        PluginError: it is a scorer of another subnet.
    """
    own = set(subnet.scorers.values())
    owners = {source: kind for kind in SUBNETS.builtin for source in SUBNETS.find(kind).scorers.values()}
    for part in _parts(scorer):
        source = f"{type(part).__module__}:{type(part).__qualname__}"
        if source in owners and source not in own:
            kinds = [name if SCORERS.builtin.get(name) == source else source for name, source in subnet.scorers.items()]
            choices = f"{', '.join(kinds)}, or " if kinds else ""
            raise PluginError(
                f"scorer {SCORERS.spec(part)['kind']!r} grades answers of the subnet {owners[source]}, and this one is "
                f"{subnet.name}; allowed: {choices}a general scorer of `subnetlab list`; leave the scorer out to take "
                "the subnet's own"
            )


def _parts(scorer: Scorer) -> Iterator[Scorer]:
    yield scorer
    if isinstance(scorer, Weighted):
        for part in scorer.parts:
            yield from _parts(part)
