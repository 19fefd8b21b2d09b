"""What few queries cost in pay: the study's ledgers are those of validators, and its page has every figure."""

import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from lab.studies.querying import STUDY
from lab.studies.querying.bandits import FIELDS, race
from lab.studies.querying.beliefs import Beliefs
from lab.studies.querying.config import QueryingConfig, policies
from lab.studies.querying.contest import contest
from lab.studies.querying.savings import cascaded, strata_share
from lab.studies.querying.shirking import shirker
from lab.studies.study import simulate
from subnets import Score
from validators import ScoreLedger, Watchful

SMALL = QueryingConfig(
    changes=(0, 50), worlds=("spread",), miners=6, replications=5, epochs=60, warm_up=20, rankings=10
)
POLICIES = {policy.name: policy for policy in policies()}


@pytest.mark.parametrize("name", ["a third, alpha .1", "watchful .3/30", "watchful .2/240, shared"])
def test_beliefs_are_those_of_a_validators_ledger(name: str) -> None:
    policy = POLICIES[name]
    beliefs = Beliefs(policy, 2, 3, 4)
    rng = np.random.default_rng(1)
    kinds = policy.ledger
    ledger = kinds.open() if isinstance(kinds, Watchful) else ScoreLedger(kinds)
    hotkeys = {uid: str(uid) for uid in range(4)}
    for _ in range(150):
        answers, asked = (rng.random((2, 3, 4)) < 0.7).astype(float), rng.random((2, 3, 4)) < 0.6
        beliefs.observe(answers, asked)
        for validator in range(3) if policy.shared else [1]:
            graded = {uid: Score(answers[1, validator, uid]) for uid in range(4) if asked[1, validator, uid]}
            ledger.observe(graded, hotkeys)
        assert ledger.scores == pytest.approx({uid: beliefs.means[1, 1, uid] for uid in ledger.scores})
        if isinstance(kinds, Watchful):
            assert list(ledger.chances(range(4)).values()) == list(beliefs.chances[1, 1])


@pytest.mark.slow
def test_asking_everybody_misplaces_what_a_moving_average_forgets() -> None:
    """Simulated elsewhere: .0310 with alpha .1 and four validators, among sixteen miners that do not change."""
    config = replace(QueryingConfig(), policies=policies()[:2], epochs=200, paid_every=10)
    played = contest(config, 0, "spread")
    assert played.misplaced.mean(axis=1) == pytest.approx([0.0305, 0.0212], abs=0.002)
    assert (played.queries == 1.0).all()


def test_a_fifth_of_the_queries_misplaces_less_pay_where_miners_seldom_change() -> None:
    config = replace(
        QueryingConfig(), policies=(policies()[0], policies()[-1]), replications=6, epochs=400, paid_every=10
    )
    played = contest(config, 500, "good or bad")
    everybody, watchful = played.misplaced.mean(axis=1)
    assert watchful < everybody and played.queries[1].mean() < 0.25


def test_shirking_does_not_pay() -> None:
    config = replace(QueryingConfig(), replications=6, epochs=300)
    own, shared = (shirker(config, POLICIES[name]) for name in ("watchful .3/30", "watchful .2/240, shared"))
    assert own.pay.mean() < 0.5
    assert shared.pay.mean() < 1.0 < shared.work.mean(), "it works more than its twin, for less"
    assert np.nanmean(shared.wage) < 0.55


def test_bandits_save_less_than_a_tenth_of_the_queries() -> None:
    even = race(FIELDS[0], 100)
    assert even.uniform is not None and even.adaptive is not None
    assert even.adaptive > 0.85 * even.uniform


def test_a_judge_that_sees_a_third_is_nearly_as_sure_as_one_that_sees_all() -> None:
    seen = cascaded(2.9, 1.0, replications=1000)
    assert seen.judged < 0.36 and 0.86 < seen.correlation < 0.9
    assert seen.error < 1.15 * seen.error_of_all
    assert strata_share((1.0, 1.0)) == 1.0 and strata_share() == pytest.approx(0.16)


@pytest.mark.slow
def test_a_study_leaves_a_page_a_table_and_its_pictures(tmp_path: Path) -> None:
    steps: list[tuple[int, int]] = []
    data = simulate(STUDY, tmp_path, config=SMALL, progress=lambda done, total: steps.append((done, total)))
    assert steps[-1][0] == steps[-1][1] == 2 + 2 + 3
    with (tmp_path / "querying.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 2 * len(policies()) == len(STUDY.summary(data)["contests"])
    assert {"world", "change_epochs", "policy", "misplaced", "misplaced_low", "queries"} <= set(rows[0])
    assert {path.stem for path in tmp_path.glob("*.png")} == {"querying_spread", "shirking", "bandits", "cascade"}
    findings = " ".join(STUDY.page(data).findings)
    assert "all, alpha .05" in findings and "Bandits do not help" in findings and "honest twin" in findings
    assert (tmp_path / "index.html").stat().st_size > 1000
