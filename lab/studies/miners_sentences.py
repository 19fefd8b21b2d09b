"""Sentences of the miners study, made from its data."""

from __future__ import annotations

from collections.abc import Sequence

from lab.standings import counted
from lab.statistics import Figure
from lab.statistics.claims import ALPHA

from .miners_data import Claims, MinersData
from .miners_detection import OBSERVED, Power, Told
from .miners_market import Day, Rent
from .miners_pictures import scaled


def findings(data: MinersData, days: Sequence[Day], machines: Sequence[Rent]) -> list[str]:
    """Give the study's answers, the most important first."""
    found = []
    if data.lines:
        best = data.lines[0]
        found.append(
            f"{of_contest(data)} {best.name} won {in_percent(best.win_rate)} of its meetings with the other honest "
            f"miners, at a true quality of {best.standing.quality.text()}."
        )
    if days:
        rich = max(days, key=lambda day: day.profit.value if day.profit.value is not None else float("-inf"))
        poor = min(days, key=lambda day: day.profit.value if day.profit.value is not None else float("inf"))
        found.append(
            f"At the assumed prices {rich.name} kept the most of a day's pay, {rich.profit.text(unit=' $')}, and "
            f"{poor.name} the least, {poor.profit.text(unit=' $')}."
        )
    found += of_machines(machines)
    found += [line for line in map(of_pair, data.told) if line]
    found += of_claims(data)
    return found


def of_contest(data: MinersData) -> str:
    """Name the strongest miner, and those that can't be told from it."""
    best = data.lines[0].name
    if not data.level:
        return f"{best} was the strongest."
    return (
        f"{best} was the strongest, though on these tasks {_listed(data.level)} can't be told from it "
        f"(sign-flip test of scores, Holm, at {ALPHA:g})."
    )


def of_machines(machines: Sequence[Rent]) -> list[str]:
    """Hold the machine of the strongest miner that has one against each API."""
    measured = [rent for rent in machines if rent.measured]
    if not measured:
        return []
    name = measured[0].machine
    offers = [f"{rent.offer.name} {_utilisation(rent)}" for rent in measured if rent.machine == name]
    return [f"{name[0].upper()}{name[1:]} costs as much as {_listed(offers)}."]


def _utilisation(rent: Rent) -> str:
    if not rent.formula.reachable or rent.served_until is None:
        return "at no utilisation" + (f" ({100 * rent.formula.utilisation:.0f} %)" if rent.api_usd_per_million else "")
    by_hand = f"{100 * rent.served_until:.2g} % by brute force"
    return f"at a utilisation of {100 * rent.formula.utilisation:.2g} % ({by_hand})"


def of_pair(one: Told) -> str:
    """Say how well two miners are told apart; empty where too few tasks tell."""
    seen = [power for power in one.powers if power.group == OBSERVED]
    if not seen:
        return ""
    first, last = seen[0], seen[-1]
    return (
        f"{one.table.name}: a validator tells them apart with an AUC of {first.auc.text()} from one prompt and "
        f"{last.auc.text()} from {last.prompts}{_by_what(one)}."
    )


def _by_what(one: Told) -> str:
    """Say which of its signs does the most."""
    alone = [
        power for power in one.powers if power.prompts == 1 and power.group in ("latency", "text", "log-probabilities")
    ]
    if not alone:
        return ""

    def distance(power: Power) -> float:
        return abs((power.auc.value if power.auc.value is not None else 0.5) - 0.5)

    best = max(alone, key=distance)
    if distance(best) == 0:
        return ""
    gives = "gives" if best.group in ("latency", "text") else "give"
    return f"; of one prompt {best.group} alone {gives} {best.auc.text()}"


def of_claims(data: MinersData) -> list[str]:
    """Say whose token claims were flagged."""
    return [_claimed(one) for one in data.claims if not one.honest or one.check.flagged_at is not None] or (
        [f"None of {counted(len(data.claims), 'miner')} that claim tokens was flagged."] if data.claims else []
    )


def _claimed(one: Claims) -> str:
    over = f"{one.name}, whose claims are {in_percent(one.check.excess)} above our count,"
    if one.check.flagged_at is None:
        return f"{over} was not flagged in {counted(one.check.unclaimed.n, 'output')}."
    return f"{over} was flagged after {counted(one.check.flagged_at, 'output')}."


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def in_percent(figure: Figure) -> str:
    """Write a share as a percentage with its interval."""
    if figure.value is None:
        return "nothing"
    interval = (
        "" if figure.low is None or figure.high is None else f" ({100 * figure.low:.1f} to {100 * figure.high:.1f})"
    )
    return f"{100 * figure.value:.1f}{interval} %"


def for_a_thousand(usd: Figure) -> str:
    """Write the dollars of an answer as those of a thousand."""
    return scaled(usd, 1000).text(4, " $")
