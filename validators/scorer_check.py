"""Refuse a scorer that can't grade before it fails on every answer: another subnet's, or one whose model is missing."""

from __future__ import annotations

from collections.abc import Iterator

from inference.errors import first_line
from subnets import SUBNETS, PluginError, Scorer, Subnet, SubnetlabError

from .registry import SCORERS


def check_scorer(scorer: Scorer, subnet: Subnet) -> None:
    """Check that a scorer, and every part of it, can grade the answers of `subnet`.

    Raises:
        PluginError: it is a scorer of another subnet, or a part that can't be one.
    """
    own = set(subnet.scorers.values())
    owners = {source: kind for kind in SUBNETS.builtin for source in SUBNETS.find(kind).scorers.values()}
    for part in _parts(scorer):
        if part is not scorer and part.stands_alone:
            raise PluginError(
                f"scorer {SCORERS.spec(part)['kind']!r} can't be a part of another scorer, since its scores of single "
                "answers mean little; name it alone"
            )
        source = f"{type(part).__module__}:{type(part).__qualname__}"
        if source in owners and source not in own:
            kinds = [name if SCORERS.builtin.get(name) == source else source for name, source in subnet.scorers.items()]
            choices = f"{', '.join(kinds)}, or " if kinds else ""
            raise PluginError(
                f"scorer {SCORERS.spec(part)['kind']!r} grades answers of the subnet {owners[source]}, and this one is "
                f"{subnet.name}; allowed: {choices}a general scorer of `subnetlab list`; leave the scorer out to take "
                "the subnet's own"
            )


def open_scorer(scorer: Scorer) -> None:
    """Have a scorer load what it needs.

    Raises:
        PluginError: it can't grade, with the reason and the name of the scorer.
    """
    try:
        scorer.open()
    except SubnetlabError as error:
        raise PluginError(f"scorer {SCORERS.spec(scorer)['kind']!r}: {error}") from error
    except Exception as error:  # a library's or a plug-in's own error
        raise PluginError(
            f"scorer {SCORERS.spec(scorer)['kind']!r} can't be opened: {type(error).__name__}: {first_line(error)}"
        ) from error


def _parts(scorer: Scorer) -> Iterator[Scorer]:
    yield scorer
    for part in scorer.parts:
        yield from _parts(part)
