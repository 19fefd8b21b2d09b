"""Checks of events before a run: that each can happen, names somebody, and contradicts no other.

check_events(events, members)        # ValueError: ".events[2].miner: no miner is called 'bbo'; known: bob, carol"
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from .events import EventTable
from .tables import MinerTable, PluginTable, ValidatorTable


@dataclass(frozen=True, slots=True)
class Membership:
    """Those whom the events of a run may be about, and how long it lasts."""

    validators: tuple[ValidatorTable, ...]
    miners: tuple[MinerTable, ...]
    epochs: int
    compound: bool
    """Whether stake grows by pay."""

    @property
    def tables(self) -> tuple[PluginTable, ...]:
        """All tables, validators first."""
        return (*self.validators, *self.miners)

    @property
    def validator_names(self) -> list[str]:
        """Names of the validators in the order of their uids."""
        return [name for table in self.validators for name in table.names()]

    @property
    def miner_names(self) -> list[str]:
        """Names of the miners in the order of their uids."""
        return [name for table in self.miners for name in table.names()]


def neurons_of(tables: Iterable[PluginTable]) -> dict[str, PluginTable]:
    """Return the table of every neuron by its name; of two with the same name, the first."""
    found: dict[str, PluginTable] = {}
    for table in tables:
        for name in table.names():
            found.setdefault(name, table)
    return found


def late(events: Iterable[EventTable]) -> list[str]:
    """Return the names of the neurons that register during the run, in the order of their events."""
    return [event.neuron for event in events if event.registers]


def check_events(events: Sequence[EventTable], members: Membership) -> None:
    """Refuse the first event that can't happen; raises ValueError that begins with its place in the file."""
    for place, event in enumerate(events):
        if fault := next(_faults(members, event), ""):
            raise ValueError(f".events[{place}]{fault}")
    _check_contradictions(events)
    _check_late(events, members)
    _check_stake(events, members)


def _faults(members: Membership, event: EventTable) -> Iterator[str]:
    """Yield what is wrong with one event by itself."""
    for role, known in (("validator", members.validator_names), ("miner", members.miner_names)):
        name = getattr(event, role)
        if name is not None and name not in known:
            yield f".{role}: no {role} is called {name!r}; known: {', '.join(known)}"
    names = [*members.validator_names, *members.miner_names]
    if event.to is not None and event.to not in names:
        yield f".to: no neuron is called {event.to!r}; known: {', '.join(names)}"
    if event.to is not None and event.to == event.neuron:
        yield f".to: stake can't move from {event.to!r} to itself; name another neuron"
    if event.epoch is not None and event.epoch >= members.epochs:
        yield f".at: epoch {event.epoch} never comes; the run has epochs 0 to {members.epochs - 1}"
    condition = event.condition
    if condition is None:
        return
    tables = members.tables
    parties = {*names, *(table.name for table in tables), *(table.coldkey for table in tables)}
    if condition.party not in parties:
        yield f".at: nobody is called {condition.party!r}; known: {', '.join(sorted(parties))}"
    if condition.quantity == "losing_epochs" and condition.party in members.validator_names:
        yield f".at: {condition.party!r} is a validator, and only miners have losing_epochs; name a miner"
    if condition.quantity == "losing_epochs" and condition.holds(float("inf")) and condition.number >= members.epochs:
        yield f".at: {event.at!r} can never hold in {members.epochs} epochs; give the run more of them"
    if event.registers:
        yield ".at: give the epoch at which it registers, so that its uid is known before the run"


def _check_contradictions(events: Sequence[EventTable]) -> None:
    """Refuse events that undo each other, or happen to somebody who has left or is not there yet."""
    arrivals = {event.neuron: event.epoch for event in events if event.registers and event.epoch is not None}
    for place, event in enumerate(events):
        comes = arrivals.get(event.neuron)
        if comes is not None and event.epoch is not None and event.epoch < comes:
            raise ValueError(
                f".events[{place}].at: {event.neuron!r} registers only at epoch {comes}; let this happen later"
            )
    left: dict[str, tuple[int, int]] = {}
    registered: set[str] = set()
    at_once: dict[tuple[int | str, str, str], int] = {}
    for place, event in sorted(enumerate(events), key=lambda item: (item[1].epoch is None, item[1].epoch or 0)):
        same = (event.at, event.neuron, event.action)
        if event.action in ("becomes", "leaves", "registers") and same in at_once:
            raise ValueError(
                f".events[{place}].{event.action}: events[{at_once[same]}] does this to {event.neuron!r} at the same "
                "time; leave one of them out"
            )
        at_once[same] = place
        if event.action == "becomes" and (event.at, event.neuron, "leaves") in at_once:
            raise ValueError(f".events[{place}].becomes: {event.neuron!r} leaves at the same time; leave one out")
        if event.registers and event.neuron in registered:
            raise ValueError(f".events[{place}].registers: {event.neuron!r} is registered already; leave it out")
        if event.neuron in left and event.epoch is not None and event.action != "sells":
            epoch, by = left[event.neuron]
            raise ValueError(
                f".events[{place}].{event.action}: {event.neuron!r} has left at epoch {epoch} (events[{by}]); let this "
                "happen earlier, or leave it out"
            )
        if event.leaves and event.epoch is not None:
            left[event.neuron] = event.epoch, place
        if event.registers:
            registered.add(event.neuron)


def _check_late(events: Sequence[EventTable], members: Membership) -> None:
    """Refuse newcomers that are not the last neurons of the config in the order in which they register."""
    names = [*members.validator_names, *members.miner_names]
    arrivals = [(place, event) for place, event in enumerate(events) if event.registers]
    ordered = sorted(arrivals, key=lambda item: item[1].epoch or 0)
    newcomers = [event.neuron for _, event in ordered]
    for place, event in arrivals:
        if event.validator is not None:
            raise ValueError(
                f".events[{place}].validator: validators are registered before the run; give {event.validator!r} "
                "little stake, and let it buy more later"
            )
    if newcomers and names[-len(newcomers) :] != newcomers:
        raise ValueError(
            f".events[{ordered[0][0]}].registers: uids are given in the order of registration, so those that register "
            f"later have to be the last miners of the config, in this order: {', '.join(newcomers)}"
        )
    if len(newcomers) == len(members.miner_names):
        raise ValueError(f".events[{ordered[0][0]}].registers: some miner has to be there from the start")


def _check_stake(events: Sequence[EventTable], members: Membership) -> None:
    """Refuse sales and moves of stake that nobody can have by then, by the most that anybody may hold."""
    neurons = neurons_of(members.tables)
    most: defaultdict[tuple[str, str], float] = defaultdict(float)
    for name, table in neurons.items():
        most[table.coldkey, name] += table.stake
    ordered = sorted(enumerate(events), key=lambda item: (item[1].epoch is not None, item[1].epoch or 0))
    for place, event in ordered:  # what a condition may add comes first: it may happen at any time
        if event.action not in ("buys", "sells", "moves"):
            continue
        who = event.coldkey or neurons[event.neuron].coldkey
        key, tokens = (who, event.neuron), getattr(event, event.action)
        if event.action == "buys":
            most[key] += tokens
            continue
        if tokens > most[key] + 1e-9 and not (members.compound and who == neurons[event.neuron].coldkey):
            raise ValueError(
                f".events[{place}].{event.action}: {who!r} has at most {most[key]:g} tokens of stake on "
                f"{event.neuron!r} by then (got {tokens:g}); let it buy more before, or give a smaller amount"
            )
        if event.epoch is not None:
            most[key] -= tokens
        if event.moves is not None and event.to is not None:
            most[who, event.to] += tokens
