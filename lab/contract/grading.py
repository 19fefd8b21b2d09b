"""What scorers, samplers and weight rules keep to."""

from __future__ import annotations

from collections.abc import Iterator
from math import isclose

from subnets import Answer, Response, Scorer, Seed, Subnet
from validators import Sampler, WeightRule, WindowScorer, check_scorer, receive, score
from validators.window import GRADER_FAILED, Round, grade_window

from .rule import Rule

STAKES = {3: 1.0, 1: 5.0, 2: 0.0, 0: 2.5}
"""Miners that a sampler can choose, uid to stake."""


def grades(subnet: Subnet) -> Rule[Scorer]:
    """Return the rule that a scorer grades the answers of a subnet, or says why it does not."""

    def grades_answers(scorer: Scorer) -> Iterator[str]:
        check_scorer(scorer, subnet)
        scorer.open()
        task = subnet.task(1)
        bodies = [subnet.gold(task).body(), Answer().body(), Answer(text="something else").body()]
        read = tuple(receive(subnet, Response(uid=uid, body=body)) for uid, body in enumerate(bodies))
        if isinstance(scorer, WindowScorer):
            first, again = (grade_window(scorer, [Round(0, task, read)], subnet, 1)[0] for _ in range(2))
        else:
            first, again = (score(scorer, task, read) for _ in range(2))
        for name, graded in zip(("the gold answer", "an empty answer", "a wrong answer"), first, strict=True):
            if graded.reason.startswith(GRADER_FAILED):
                yield f"{name} of {subnet.name} can't be graded: {graded.reason}"
            elif graded.value is None and not graded.reason:
                yield f"{name} of {subnet.name} is unscored without a reason; give one, as in Score(None, reason=...)"
        if first != again:
            yield "the same answers get other grades the second time; keep no state and draw nothing"

    return grades_answers


def samples_some_of_the_miners(sampler: Sampler) -> Iterator[str]:
    """Check that a sample is drawn from the miners by the given generator alone."""
    first, again = (sampler.sample(STAKES, Seed(1).rng()) for _ in range(2))
    if first != again:
        yield "the same generator gives another sample the second time; draw from `rng` alone"
    if not set(first) <= set(STAKES) or list(first) != sorted(set(first)):
        yield f"sample returns {first!r} for the miners {sorted(STAKES)}; return some of these uids in ascending order"


def gives_shares_in_the_order_of_the_scores(rule: WeightRule) -> Iterator[str]:
    """Check that weights are shares that a better score never makes smaller."""
    weights = rule.weigh({3: 0.2, 1: 0.8, 2: 0.0, 0: 0.2})
    if not isclose(sum(weights.values()), 1.0):
        yield f"the weights sum to {sum(weights.values()):g} instead of 1"
    if 2 in weights:
        yield "a miner with the score 0 gets weight; leave it out"
    if weights.get(3, 0.0) != weights.get(0, 0.0):
        yield "equal scores get different weights"
    if not weights.get(1, 0.0) >= weights.get(3, 0.0) >= 0.0:
        yield "a better score gets a smaller weight"
    for nothing in ({}, {0: 0.0}):
        if rule.weigh(nothing) != {}:
            yield f"weigh({nothing}) gives {rule.weigh(nothing)} instead of no weights"


SAMPLER_RULES: tuple[Rule[Sampler], ...] = (samples_some_of_the_miners,)
WEIGHT_RULE_RULES: tuple[Rule[WeightRule], ...] = (gives_shares_in_the_order_of_the_scores,)
