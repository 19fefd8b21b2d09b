"""Sentences of the miners study, made from its data."""

from __future__ import annotations

from collections.abc import Sequence

from lab.results.words import counted, percent
from lab.statistics import ranked
from lab.statistics.claims import ALPHA
from lab.studies.miners.contest import LEARNT, Claims, MinersData
from lab.studies.miners.detection import OBSERVED, DetectionResult, Power
from lab.studies.miners.market import Day, Rent


def findings(data: MinersData, days: Sequence[Day], machines: Sequence[Rent]) -> list[str]:
    """Give the study's answers, the most important first."""
    found = []
    if data.lines:
        best = data.lines[0]
        found.append(
            f"{of_contest(data)} {best.name} won {best.win_rate.percent(1)} of its meetings with the other honest "
            f"miners, at a true quality of {best.standing.quality.text()}."
            if best.win_rate.value is not None
            else of_contest(data)
        )
    rich = ranked(days, lambda day: day.profit.value)
    if len(rich) > 1:
        found.append(
            f"At the assumed prices {rich[0].name} kept the most of a day's pay, {rich[0].profit.text(unit=' $')}, and "
            f"{rich[-1].name} the least, {rich[-1].profit.text(unit=' $')}."
        )
    found += of_machines(machines)
    found += [line for line in map(of_pair, data.told) if line]
    found += of_claims(data)
    return found


def of_contest(data: MinersData) -> str:
    """Name the strongest miner, and those that can't be told from it."""
    best = data.lines[0].name
    if len(data.lines) == 1:
        return f"{best} was the only honest miner."
    if data.lines[0].strength.value is None:
        return "No two honest miners were scored on the same task, so who is the strongest is unknown."
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
    needed = f"{rent.utilisation.percent(2)} by formula"
    if not rent.formula.reachable or rent.served_until is None:
        return f"at no utilisation ({needed})"
    return f"at a utilisation of {needed}, {100 * rent.served_until:.2f} % by brute force"


def of_pair(one: DetectionResult) -> str:
    """Say how well two miners are told apart; empty where too few tasks tell."""
    seen = [power for power in one.powers if power.group == OBSERVED]
    if not seen:
        return ""
    first, last = seen[0], seen[-1]
    return (
        f"{one.table.name}: a validator tells them apart with an AUC of {first.auc.text()} from one prompt and "
        f"{last.auc.text()} from {last.prompts}{_by_what(one)}."
    )


def _by_what(one: DetectionResult) -> str:
    """Say which of its signs does the most."""
    alone = [
        power for power in one.powers if power.prompts == 1 and power.group in ("latency", "text", "log-probabilities")
    ]

    def distance(power: Power) -> float | None:
        return None if power.auc.value is None else abs(power.auc.value - 0.5)

    best = next(iter(ranked(alone, distance)), None)
    if best is None or distance(best) == 0:
        return ""
    gives = "gives" if best.group in ("latency", "text") else "give"
    return f"; of one prompt {best.group} alone {gives} {best.auc.text()}"


def of_claims(data: MinersData) -> list[str]:
    """Say whose token claims were flagged."""
    return [_claimed(one) for one in data.claims if not one.honest or one.check.flagged_at is not None] or (
        [f"None of {counted(len(data.claims), 'miner')} that claim tokens was flagged."] if data.claims else []
    )


def of_tolerance(data: MinersData) -> str:
    """Say what is tolerated of claims, and how that is known."""
    first = f"the first {percent(LEARNT)} of the tasks"
    if data.tolerance.high is None:
        return (
            f"No tolerance could be measured: honest miners claimed tokens on fewer than two of {first}. All other "
            "claims are held against our own count itself, above which another tokenizer's may be."
        )
    return (
        f"On {first} honest miners' claims were {data.tolerance.percent(1)} above our own count of the tokens; all "
        f"other claims are held against our count and the {percent(data.believed)} at the upper end of that."
    )


def _claimed(one: Claims) -> str:
    over = f"{one.name}, whose claims are {one.check.excess.percent(1)} above our count,"
    if one.check.flagged_at is None:
        return f"{over} was not flagged in {counted(one.check.unclaimed.n, 'output')}."
    return f"{over} was flagged after {counted(one.check.flagged_at, 'output')}."


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
