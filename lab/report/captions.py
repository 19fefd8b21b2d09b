"""Captions: for each chart and table, what it shows and what it does not, in sentences made from the data."""

from __future__ import annotations

from collections.abc import Sequence

from lab.results.bill import Bill
from lab.results.neurons import NeuronResult, NeuronResults, by_quality
from lab.results.pay_quality import PayQuality
from lab.results.sample_answers import Sample
from lab.results.words import counted, percent
from lab.statistics import Estimate, spearman

from .section import Caption


def in_short(bill: Bill, agreement: PayQuality, standings: NeuronResults) -> list[str]:
    """Say what the run comes to, in a few sentences."""
    lines = []
    if standings.epochs:
        lines.append(agreement.sentence)
    if bill.overhead.value is not None:
        lines.append(
            f"Through the subnet a task took {bill.overhead.text(2)} times the CPU of doing it once; "
            f"{percent(bill.useful_work.value or 0.0)} of the CPU was useful work."
        )
    asked = sum(one.asked for one in standings.miners)
    failed = sum(sum(one.faults.values()) for one in standings.miners)
    if failed:
        lines.append(f"{failed:,} of {asked:,} queries ({percent(failed / asked)}) have no answer.")
    return lines


def of_scores(standings: NeuronResults, agreement: PayQuality) -> Caption:
    """Under score against true quality."""
    known = [one for one in by_quality(standings.miners) if one.quality.value is not None]
    if not known:
        return Caption("No answer of known quality was graded.", "Nothing can be said about the grading.")
    best, worst = known[0], known[-1]
    parts = [
        f"{_named(best)} answers best, with a true quality of {best.quality.text()}, and {_named(worst)} worst, "
        f"with {worst.quality.text()}."
    ]
    if agreement.score.value is not None:
        parts.append(f"The scores rank them as quality does at Spearman {_over_miners(agreement.score)}.")
    off = [one for one in known if one.score.value is not None]
    if off:
        widest = max(off, key=lambda one: abs(_value(one.score) - _value(one.quality)))
        gap = _value(widest.score) - _value(widest.quality)
        if abs(gap) >= 0.005:
            side = "above" if gap > 0 else "below"
            parts.append(f"Score and quality lie furthest apart for {widest.name}: {abs(gap):.2f} {side}.")
    unscored = sum(one.unscored for one in standings.miners)
    if unscored:
        parts.append(f"{counted(unscored, 'unscored answer')} left out.")
    return Caption(
        " ".join(parts),
        f"The lines are 95 % intervals for {_tasks(standings)}; other tasks may rank the miners otherwise. "
        "Score and quality are two measures: what a grader counts beyond the truth, or misses, sets them apart.",
    )


def of_pay(standings: NeuronResults, agreement: PayQuality) -> Caption:
    """Under the shares of pay."""
    paid = [one for one in standings.miners if one.earned > 0]
    if not paid:
        return Caption("No miner was paid.", "Why: the weights and the chain's refusals are further down.")
    first = max(paid, key=lambda one: (one.earned, -one.uid))
    how = "How it follows quality can't be said."
    if agreement.emission.value is not None:
        how = (
            f"Their pay over the run ranks the miners as true quality does at Spearman "
            f"{_over_miners(agreement.emission)}; that of the last epoch at {agreement.incentive.text()}."
        )
    return Caption(
        f"{_named(first)} earned most, {percent(first.pay_share or 0.0)} of {sum(one.earned for one in paid):,.0f} "
        f"tokens. {how}",
        f"Pay is what the chain paid in {counted(len(standings.epochs), 'epoch')}, not a sample, so it has no "
        "interval; the first epochs, in which validators know little, are in it. What a miner spends to earn it "
        "is not.",
    )


def of_incentive(standings: NeuronResults, lines: Sequence[tuple[NeuronResult, Sequence[float]]]) -> Caption:
    """Under incentive by epoch."""
    epochs = len(standings.epochs)
    if not epochs or not lines:
        return Caption("No epoch is complete yet.", "Nothing can be said about incentive.")
    one, values = max(lines, key=lambda line: (abs(line[1][-1] - line[1][0]), -line[0].uid))
    if abs(values[-1] - values[0]) < 0.005:
        text = f"From the first to the last of {counted(epochs, 'epoch')} no incentive moved by half a point."
    else:
        text = (
            f"{_named(one)} moved most: from {percent(values[0])} of the incentive in epoch "
            f"{standings.epochs[0].number} to {percent(values[-1])} in epoch {standings.epochs[-1].number}."
        )
    return Caption(
        text,
        "It is one run with one seed, so there is no interval; another seed would draw other lines. "
        "Incentive says nothing of the dividends that validators earn.",
    )


def of_weights(standings: NeuronResults) -> Caption:
    """Under the weights of the last epoch."""
    rows = standings.epochs[-1].weights if standings.epochs else {}
    silent = [one.name for one in standings.validators if one.uid not in rows]
    uids = [one.uid for one in standings.miners]
    pairs = [
        (found, first, second)
        for place, first in enumerate(sorted(rows))
        for second in sorted(rows)[place + 1 :]
        if (found := spearman([rows[first].get(u, 0.0) for u in uids], [rows[second].get(u, 0.0) for u in uids]))
        is not None
    ]
    names = {one.uid: one.name for one in standings.validators}
    parts = [f"What {counted(len(rows), 'validator')} submitted for the last epoch, as shares of each one's total."]
    if pairs:
        least, first, second = min(pairs)
        parts.append(
            f"Of the {counted(len(pairs), 'pair')} of validators, {names[first]} and {names[second]} agree least: "
            f"Spearman {least:.2f} (n={len(uids)} miners)."
        )
    if silent:
        parts.append(f"Without weights: {', '.join(silent)}.")
    parts += refusals(standings)
    return Caption(
        " ".join(parts),
        "PayQuality is no proof of grading: a validator that copies the consensus agrees as well. "
        "The consensus is what the stake behind the validators made of their weights.",
    )


def of_bill(bill: Bill) -> Caption:
    """Under the bill."""
    if not bill.tasks:
        return Caption("No epoch is complete yet.", "Nothing can be said about costs.")
    parts = [f"A task costs {bill.subnet_cpu_s / bill.tasks:.2f} CPU seconds through the subnet"]
    if bill.overhead.value is None:
        parts[0] += ", and what it costs to do it once was not measured."
    else:
        parts[0] += (
            f" and {bill.once_cpu_s.text(2)} done once by one miner: {bill.overhead.text(2)} times as much. "
            f"{miners_asked(bill)} miners answer it, and {counted(bill.validators, 'validator')} set tasks and grade."
        )
    if bill.grading_share:
        parts.append(f"Making tasks and grading are {percent(bill.grading_share)} of the subnet's CPU.")
    hidden = [
        f"Starting everything took {bill.setup_cpu_s:.1f} CPU seconds more, and {percent(_idle(bill))} of the "
        "machine's time was idle; neither is in the bars."
    ]
    if any(part.cost.gpu_s for part in bill.parts):
        hidden.append("GPU seconds are in the dollars, not in the bars.")
    if any(part.group == "providers" for part in bill.parts):
        hidden.append("What providers' servers used has no dollars of its own: miners pay for it by the token.")
    if bill.unexplained_cpu_s > 0.01 * bill.total_cpu_s:
        hidden.append(f"The meters counted {bill.unexplained_cpu_s:.1f} CPU seconds twice.")
    if bill.sessions > 1:
        hidden.append(f"The run was stopped {_times(bill.sessions - 1)}; what was lost by that is not known.")
    hidden.append("Nobody's profit, hardware or network between machines is counted.")
    return Caption(" ".join(parts), " ".join(hidden))


def of_faults(standings: NeuronResults) -> Caption:
    """Under the faults."""
    asked = sum(one.asked for one in standings.miners)
    failed = sum(sum(one.faults.values()) for one in standings.miners)
    lost = sum(one.faults.get("lost", 0) for one in standings.miners)
    if not failed:
        return Caption(f"All {asked:,} queries were answered.", "Whether the answers are any good is above.")
    text = f"{failed:,} of {asked:,} queries ({percent(failed / asked)}) have no answer."
    if lost:
        text += f" {lost:,} of them were lost on the way, which is no miner's doing and is unscored."
    return Caption(text, "A reason in the last column may be the miner's own words; none of it was verified.")


def of_effort(standings: NeuronResults) -> Caption:
    """Under latency and cost of the miners."""
    timed = [one for one in standings.miners if one.latency_p50_s.value is not None]
    if not timed:
        return Caption("No answer arrived.", "Nothing can be said about speed or cost.")
    fastest = min(timed, key=lambda one: (_value(one.latency_p50_s), one.uid))
    dearest = max(timed, key=lambda one: (_value(one.cpu_s), -one.uid))
    who = "it also" if dearest is fastest else _named(dearest)
    return Caption(
        f"{_named(fastest)} is fastest, with a median of {fastest.latency_p50_s.text(2, ' s')}; {who} uses most CPU, "
        f"{dearest.cpu_s.text(2, ' s')} an answer.",
        "Time starts when the miner is given the query: waiting for a free core is not in it, nor is the way over a "
        "network. Failed attempts are charged to the answers that arrived.",
    )


def of_samples(found: Sequence[Sample], standings: NeuronResults) -> Caption:
    """Under the contact sheet."""
    graded = sum(one.score.n for one in standings.miners)
    if not found:
        return Caption("No answer was graded.", "There is nothing to show.")
    return Caption(
        f"{len(found)} of {graded:,} graded responses, picked by score: the best, around the median, and the worst of "
        "those that could be read.",
        "They are picked for being extreme or middling, and do not show how often such answers occur.",
    )


def _tasks(standings: NeuronResults) -> str:
    kinds = sorted({one.kind for one in standings.rounds if one.kind})
    hard = [one.difficulty for one in standings.rounds if one.difficulty is not None]
    text = f"these {counted(len(standings.rounds), 'task')}"
    if kinds:
        text += f" ({', '.join(kinds[:6])}{' and others' if len(kinds) > 6 else ''})"
    if hard:
        text += f" of difficulty {min(hard):.2f}" + (f" to {max(hard):.2f}" if min(hard) < max(hard) else "")
    return text


def _named(one: NeuronResult) -> str:
    return one.name if one.honest else f"{one.name} (not honest)"


def _over_miners(figure: Estimate) -> str:
    return f"{figure.text().removesuffix(')')} miners)"


def _value(figure: Estimate) -> float:
    return 0.0 if figure.value is None else figure.value


def miners_asked(bill: Bill) -> str:
    """Write N: a plain number where each task had the same."""
    asked = bill.miners
    return f"{asked.value:.0f}" if asked.low == asked.high and asked.value is not None else asked.text(1)


def _idle(bill: Bill) -> float:
    whole = bill.idle_cpu_s + bill.total_cpu_s
    return bill.idle_cpu_s / whole if whole else 0.0


def _times(number: int) -> str:
    return "once" if number == 1 else f"{number:,} times"


def refusals(standings: NeuronResults) -> list[str]:
    """Say whose weights the chain refused, how often and why."""
    refused = [one for one in standings.validators if one.refused]
    return [f"The chain refused the weights of {one.name} {_times(one.refused)}: {one.refusal}." for one in refused]
