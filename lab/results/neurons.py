"""Neuron results: how each neuron of a run did.

    results = NeuronResults.of(record)
    results.miners[0].quality.text()      # "0.91 (0.88 to 0.94, n=30)"

Unscored answers and unknown qualities are left out of every figure, never counted as zero.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from lab.config.prices import PriceTable, price
from lab.config.run_config import RunConfig
from lab.record.completed_run import CompletedRun
from lab.record.entries import Epoch, GradedAnswer, GradedRound, Neuron, Start
from lab.record.record import RunRecord
from lab.statistics import NONNEGATIVE, Estimate, mean_score, quantile, ratio
from subnets import Fault, Subnet

U16 = 65_535
RAO = 1e-9
"""Tokens in the chain's smallest unit."""

NOTHING = Estimate(None, None, None, 0)


@dataclass(frozen=True, slots=True)
class NeuronResult:
    """One neuron; a validator's figures about answers are empty."""

    uid: int
    name: str
    role: str
    kind: str
    honest: bool
    coldkey: str
    hotkey: str
    stake: float
    """Tokens in the last epoch."""
    permit: bool
    trust: float
    """Share in [0, 1] in the last epoch, like the next four."""
    validator_trust: float
    consensus: float
    incentive: float
    dividends: float
    emission: float
    """Tokens in the last epoch."""
    earned: float
    """Tokens over all epochs."""
    pay_share: float | None
    """Share of what all neurons of its role earned over the run; None if they earned nothing."""
    refused: int
    """Epochs in which the chain refused this validator's weights."""
    refusal: str
    """The last reason."""
    asked: int
    answered: int
    unscored: int
    """Queries that got no score: lost on the way, or the grader failed."""
    faults: dict[str, int]
    """Number of faults by kind; kinds that did not occur are left out."""
    fault_reason: str
    """The most common reason, in the words of the part that reported the fault."""
    score: Estimate
    quality: Estimate
    """True quality, known to the laboratory alone."""
    latency_p50_s: Estimate
    """Median latency of the answers that arrived."""
    latency_p95_s: Estimate
    cpu_s: Estimate
    """CPU seconds for each answer that arrived; failed attempts are charged to those that did not fail."""
    usd: Estimate
    usd_token: Estimate
    """Dollars for each token written, as the model's own tokenizer counts; empty if the miner writes none."""
    usd_character: Estimate
    """Dollars for each character of the answers that these tokens made."""


@dataclass(frozen=True, slots=True)
class NeuronResults:
    """All neurons of a run, as far as its last complete epoch."""

    start: Start
    config: RunConfig
    neurons: tuple[NeuronResult, ...]
    """All neurons in the order of uids."""
    epochs: tuple[Epoch, ...]
    rounds: tuple[GradedRound, ...]
    complete: bool
    """True once the run has ended."""

    @classmethod
    def of(cls, record: RunRecord, run: CompletedRun | None = None) -> NeuronResults:
        """Read the record of a run; `run` saves reading it again."""
        run = run or CompletedRun.of(record)
        start, config, epochs, rounds = run.start, run.config, run.epochs, run.rounds
        answers: dict[int, list[GradedAnswer]] = defaultdict(list)
        characters: dict[int, list[int]] = defaultdict(list)
        for graded in rounds:
            for answer, count in zip(graded.answers, _characters(record, config.subnet, graded), strict=True):
                answers[answer.uid].append(answer)
                characters[answer.uid].append(count)
        neurons = tuple(
            _result(neuron, start, epochs, answers[neuron.uid], characters[neuron.uid], config.prices)
            for neuron in start.neurons
        )
        complete = record.find("end", "run") is not None
        return cls(start, config, neurons, epochs, rounds, complete)

    @property
    def miners(self) -> tuple[NeuronResult, ...]:
        """Miners in the order of uids."""
        return tuple(neuron for neuron in self.neurons if neuron.role == "miner")

    @property
    def validators(self) -> tuple[NeuronResult, ...]:
        """Validators in the order of uids."""
        return tuple(neuron for neuron in self.neurons if neuron.role == "validator")


def by_quality(miners: Sequence[NeuronResult]) -> list[NeuronResult]:
    """Sort miners by true quality, the best first and the unknown last."""
    return sorted(miners, key=lambda miner: (miner.quality.value is None, -(miner.quality.value or 0.0), miner.uid))


def _characters(record: RunRecord, subnet: Subnet, graded: GradedRound) -> list[int]:
    """Count the characters of each answer that a language model wrote; 0 for all others."""
    written = [answer.blob if answer.fault is None and answer.cost.output_tokens else None for answer in graded.answers]
    bodies = record.blobs(blob for blob in written if blob is not None)
    counts = {blob: len(subnet.read(body).text) for blob, body in bodies.items()}
    return [0 if blob is None else counts[blob] for blob in written]


def _result(
    neuron: Neuron,
    start: Start,
    epochs: Sequence[Epoch],
    answers: Sequence[GradedAnswer],
    characters: Sequence[int],
    prices: PriceTable,
) -> NeuronResult:
    uid = neuron.uid
    pay = epochs[-1].pay if epochs else None
    peers = [peer.uid for peer in start.neurons if peer.role == neuron.role]
    earned = sum(epoch.pay.paid[uid] for epoch in epochs)
    earned_by_peers = sum(epoch.pay.paid[peer] for epoch in epochs for peer in peers)
    refusals = [epoch.pay.refused[uid] for epoch in epochs if uid in epoch.pay.refused]
    served = [answer for answer in answers if answer.fault != Fault.LOST]
    arrived = [answer for answer in served if answer.fault is None]
    spent = [price(answer.cost, prices) for answer in answers]
    spent_by_served = [usd for answer, usd in zip(answers, spent, strict=True) if answer.fault != Fault.LOST]
    delivered = [float(answer.fault is None) for answer in served]
    reasons = Counter(answer.reason for answer in answers if answer.fault is not None)
    return NeuronResult(
        uid=uid,
        name=neuron.name,
        role=neuron.role,
        kind=neuron.kind,
        honest=neuron.honest,
        coldkey=neuron.coldkey,
        hotkey=neuron.hotkey,
        stake=neuron.stake if pay is None else pay.stake[uid],
        permit=pay is not None and pay.validator_permit[uid],
        trust=0.0 if pay is None else pay.trust[uid] / U16,
        validator_trust=0.0 if pay is None else pay.validator_trust[uid] / U16,
        consensus=0.0 if pay is None else pay.consensus[uid] / U16,
        incentive=0.0 if pay is None else pay.incentive[uid] / U16,
        dividends=0.0 if pay is None else pay.dividends[uid] / U16,
        emission=0.0 if pay is None else pay.paid[uid] * RAO,
        earned=earned * RAO,
        pay_share=earned / earned_by_peers if earned_by_peers else None,
        refused=len(refusals),
        refusal=refusals[-1] if refusals else "",
        asked=len(answers),
        answered=len(arrived),
        unscored=sum(answer.score is None for answer in answers),
        faults=dict(sorted(Counter(str(answer.fault) for answer in answers if answer.fault is not None).items())),
        fault_reason=min(reasons, key=lambda reason: (-reasons[reason], reason)) if reasons else "",
        score=mean_score([answer.score for answer in answers if answer.score is not None]),
        quality=mean_score([answer.quality for answer in answers if answer.quality is not None]),
        latency_p50_s=quantile([answer.latency_s for answer in arrived], 0.50),
        latency_p95_s=quantile([answer.latency_s for answer in arrived], 0.95),
        cpu_s=ratio([answer.cost.cpu_s for answer in served], delivered, NONNEGATIVE),
        usd=ratio(spent_by_served, delivered, NONNEGATIVE),
        usd_token=_usd_per(spent, [answer.cost.output_tokens for answer in answers]),
        usd_character=_usd_per(spent, characters),
    )


def _usd_per(spent: Sequence[float], counts: Sequence[int]) -> Estimate:
    return ratio(spent, [float(count) for count in counts], NONNEGATIVE) if any(counts) else NOTHING
