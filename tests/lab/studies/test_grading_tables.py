"""The grading study's figures on hand-made tables with known results."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from lab.statistics import Estimate
from lab.studies.grading.bias import Bias, biases
from lab.studies.grading.cards import cards
from lab.studies.grading.config import GraderTable, GradingConfig
from lab.studies.grading.exploits import exploits
from lab.studies.grading.grades import GradedMiner, Grader, GradingData
from lab.studies.grading.measures import quality_of
from lab.studies.grading.page import page
from lab.studies.grading.pay import pay_of
from subnets import Response, Score, Scorer, Task

TASKS = 40
NOTHING = Estimate(None, None, None, 0)
CONFIG = GradingConfig.parse(
    {
        "seed": 1,
        "subnet": {"kind": "text_prompting"},
        "miners": [{"name": "any", "kind": "oracle", "p": 0.9}],
        "validators": [{"name": "asks"}],
        "graders": [{"name": "any"}],
        "grading": {"validators": 2},
    }
)
STRICT = CONFIG.grading.model_copy(update={"right_at": 0.9})
Floats = NDArray[np.float64]


class Ours(Scorer):
    """A grader that runs a model which miners may run too."""

    model: str = "ours"

    def score(self, task: Task, response: Response) -> Score:
        raise NotImplementedError


def graded(name: str, scores: Floats, **table: Any) -> Grader:
    return Grader(
        table=GraderTable(name=name, **table),
        kind="any",
        scores=scores,
        repeats=scores[None],
        probes={},
        picks=np.zeros((len(scores), 2)),
        cpu_s=NOTHING,
        usd=NOTHING,
        unscored=NOTHING,
        tokens=NOTHING,
    )


def study(quality: Floats, *graders: Grader, models: str = "", cheats: int = 0, texts: Any = None) -> GradingData:
    """Miners a, b, c, …, the last `cheats` of them adversaries; those named in `models` run the model "ours"."""
    names = "abcdefgh"[: quality.shape[1]]
    miners = [
        GradedMiner(name, "any", place < len(names) - cheats, False, frozenset({"ours"} if name in models else ()))
        for place, name in enumerate(names)
    ]
    keys = tuple(f"0/{row}" for row in range(len(quality)))
    empty = tuple(("",) * len(names) for _ in keys)
    return GradingData(CONFIG, tuple(miners), keys, quality, texts or empty, graders, {})


@pytest.fixture(autouse=True)
def few_resamples_of_pay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lab.studies.grading.pay.DRAWS", 20)


def bias(data: GradingData, place: int, name: str) -> Bias | None:
    return next((each for each in biases(data, data.graders[place]) if each.name == name), None)


def rightness(miners: int, seed: int = 0) -> Floats:
    return (np.random.default_rng(seed).random((TASKS, miners)) < 0.6).astype(float)


def test_a_grader_that_favours_its_own_family_is_distinguished_from_a_fair_one() -> None:
    quality, rng = rightness(4), np.random.default_rng(1)
    fair = 0.6 * quality + 0.1 * rng.random(quality.shape)
    favours = fair + np.array([0.3, 0.3, 0.0, 0.0])
    ours = {"scorer": Ours()}
    data = study(quality, graded("favours", favours, **ours), graded("fair", fair, **ours), models="ab")
    result, none = bias(data, 0, "own family"), bias(data, 1, "own family")
    assert result is not None and none is not None
    assert result.clear and result.effect.value == pytest.approx(0.3, abs=0.03) and result.effect.n == TASKS
    assert not none.clear and none.effect.value == pytest.approx(0.0, abs=0.03)


def test_a_reference_is_not_held_against_itself() -> None:
    quality = rightness(3)
    scores = 0.5 * quality + np.array([0.5, 0.0, 0.0])
    data = study(quality, graded("own", scores, reference="a"), models="ab")
    result = bias(data, 0, "own family")
    assert result is not None and result.effect.value == pytest.approx(0.0)
    assert bias(study(quality, graded("own", scores, reference="a"), models="a"), 0, "own family") is None


def test_a_grader_that_rewards_its_own_errors_is_distinguished_from_a_fair_one() -> None:
    rng = np.random.default_rng(2)
    words = [f"word{place}" for place in range(12)]
    texts, likeness = [], np.zeros((TASKS, 4))
    for row in range(TASKS):
        mine = list(rng.permutation(words)[:6])
        shared = rng.integers(0, 7, 3)
        others = [
            mine[:same] + [f"other{row}{place}{at}" for at in range(6 - same)] for place, same in enumerate(shared)
        ]
        likeness[row, 1:] = shared / 6
        texts.append(tuple(" ".join(each) for each in (mine, *others)))
    noise = 0.05 * rng.random(likeness.shape)
    data = study(
        np.zeros((TASKS, 4)),
        graded("likes", 0.1 + 0.8 * likeness + noise, reference="a"),
        graded("fair", 0.1 + noise, reference="a"),
        texts=tuple(texts),
    )
    result, none = bias(data, 0, "similar errors"), bias(data, 1, "similar errors")
    assert result is not None and none is not None
    assert result.clear and result.effect.value == pytest.approx(0.8, abs=0.05)
    assert not none.clear and none.effect.value == pytest.approx(0.0, abs=0.02)


def test_none_of_sixty_adversaries_that_earn_as_much_as_honest_work_is_said_to_out_earn_it() -> None:
    rng = np.random.default_rng(3)
    alike = [graded(f"g{place}", rng.random((TASKS, 6))) for place in range(12)]
    result = [each for own in exploits(study(np.ones((TASKS, 6)), *alike, cheats=5)).values() for each in own]
    assert len(result) == 60 and any((each.earned.low or 0.0) > 1 for each in result)  # as one interval in forty is
    assert not any(each.pays for each in result)


def test_an_adversary_that_out_earns_honest_work_is_found_behind_one_that_earns_more_by_luck() -> None:
    lucky = np.where(np.arange(TASKS) < 3, 1.0, 0.0)
    scores = np.column_stack([np.full(TASKS, 0.04), lucky, np.full(TASKS, 0.05)])
    (card,) = cards(study(np.ones((TASKS, 3)), graded("g", scores), cheats=2))
    assert card.worst is not None and card.worst.adversary == "b" and not card.worst.pays
    assert [each.adversary for each in card.exploits if each.pays] == ["c"]


def test_an_adversary_out_earns_honest_work_that_earns_nothing() -> None:
    scores = np.tile([0.0, 0.5], (TASKS, 1))
    (exploit,) = exploits(study(np.ones((TASKS, 2)), graded("g", scores), cheats=1))["g"]
    assert exploit.earned.value is None and exploit.gain.value == 0.5 and exploit.pays


def test_a_miner_of_unknown_quality_gets_no_pay() -> None:
    quality = np.tile([0.9, 0.6, 0.3], (TASKS, 1)) + 0.05 * np.random.default_rng(4).random((TASKS, 3))
    known = study(quality, graded("truth", quality))
    stranger = np.column_stack([quality, np.full(TASKS, np.nan)])
    data = study(stranger, graded("truth", np.column_stack([quality, np.full(TASKS, 0.7)])))
    alone, beside = pay_of(known, known.graders[0]), pay_of(data, data.graders[0])
    assert alone is not None and beside is not None
    assert beside.misplaced == alone.misplaced == Estimate(0.0, 0.0, 0.0, TASKS)
    assert beside.ranking == alone.ranking and alone.ranking.value == pytest.approx(1.0)


def test_a_miner_that_was_never_scored_bends_no_slope() -> None:
    quality = np.tile([0.9, 0.6, 0.3, 0.9], (TASKS, 1))
    scores = quality + np.array([0.1, 0.0, -0.1, np.nan])
    rest = study(quality[:, :3], graded("g", scores[:, :3]))
    data = study(quality, graded("g", scores))
    alone, beside = pay_of(rest, rest.graders[0]), pay_of(data, data.graders[0])
    assert alone is not None and beside is not None and alone.moved.value is not None and beside.moved.value is not None
    assert np.sign(beside.moved.value) == np.sign(alone.moved.value)


def test_a_grader_that_returns_the_true_quality_agrees_with_the_truth() -> None:
    """With its scores cut at a half and the truth at 0.9, its kappa was 0.01."""
    quality = np.random.default_rng(0).uniform(0.6, 1.0, (TASKS, 4))
    data = replace(study(quality, graded("truth", quality)), config=CONFIG.model_copy(update={"grading": STRICT}))
    assert quality_of(data, data.graders[0]).kappa.value == pytest.approx(1.0)
    claims = graded("claims", np.where(quality >= 0.9, 0.7, 0.3), probability=True)
    assert quality_of(replace(data, graders=(claims,)), claims).kappa.value == pytest.approx(1.0)


def oracles(accuracies: list[float], seed: int) -> GradingData:
    """Oracles on few tasks, graded by the truth about each answer."""
    right = (np.random.default_rng(seed).random((TASKS, len(accuracies))) < accuracies).astype(float)
    data = study(right, graded("truth", right))
    miners = [replace(miner, accuracy=p) for miner, p in zip(data.miners, accuracies, strict=True)]
    return replace(data, miners=tuple(miners))


def test_the_truth_agrees_with_realised_quality_by_construction_but_not_with_known_accuracy() -> None:
    drawn = [oracles([0.5, 0.6, 0.7, 0.8, 0.9], seed) for seed in range(12)]
    measured = [quality_of(data, data.graders[0]) for data in drawn]
    assert all(each.pairwise_accuracy.value == 1.0 for each in measured)
    against_known = [each.known_accuracy.value for each in measured if each.known_accuracy.value is not None]
    assert len(against_known) == 12 and 0.85 < np.mean(against_known) < 0.97
    assert (
        quality_of(study(rightness(3), graded("g", rightness(3))), graded("g", rightness(3))).known_accuracy == NOTHING
    )


def test_noise_without_bias_misplaces_pay_but_not_by_bias(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lab.studies.grading.pay.DRAWS", 1)  # the values are tested, not their intervals
    quality = np.tile([0.8, 0.7, 0.6, 0.5], (TASKS, 1))
    noisy, biased = [], []
    for seed in range(24):
        noise = np.random.default_rng(seed).uniform(-0.2, 0.2, quality.shape)
        data = study(quality, graded("noisy", quality + noise))
        pay = pay_of(data, data.graders[0])
        assert pay is not None and pay.misplaced.value is not None and pay.biased.value is not None
        noisy.append(pay.misplaced.value)
        biased.append(pay.biased.value)
    assert np.mean(noisy) > 0.008 and abs(np.mean(biased)) < np.mean(noisy) / 3


def test_bias_without_noise_misplaces_all_that_is_misplaced() -> None:
    quality = np.tile([0.8, 0.7, 0.6, 0.5], (TASKS, 1))
    data = study(quality, graded("partial", quality + [0.0, 0.0, 0.0, 0.3]))
    pay = pay_of(data, data.graders[0])
    assert pay is not None and pay.misplaced.value is not None and pay.misplaced.value > 0.05
    assert pay.biased.value == pytest.approx(pay.misplaced.value, rel=0.02)


def test_where_nobody_is_paid_no_share_is_misplaced() -> None:
    quality = rightness(3)
    data = study(quality, graded("silent", np.full(quality.shape, np.nan)), graded("zero", np.zeros(quality.shape)))
    for grader in data.graders:
        pay = pay_of(data, grader)
        assert pay is not None
        assert pay.misplaced == pay.biased == pay.ranking == pay.moved == Estimate(None, None, None, TASKS)


def test_the_best_miner_is_one_of_known_quality(recwarn: pytest.WarningsRecorder) -> None:
    quality = np.column_stack([np.full(TASKS, np.nan), rightness(2)])
    data = study(quality, graded("g", quality))
    assert data.best(data.graders[0]) in (1, 2)
    unknown = study(np.full((TASKS, 3), np.nan), graded("g", rightness(3)))
    assert unknown.best(unknown.graders[0]) == 0
    assert not recwarn.list


def test_a_page_names_no_best_or_worst_grader_where_nothing_is_known(tmp_path: Any) -> None:
    silent = np.full((TASKS, 3), np.nan)
    scored = rightness(3)
    data = study(scored, graded("silent", silent), graded("good", scored), graded("poor", 1 - scored))
    message = page(data, CONFIG, tmp_path)
    assert message.findings[0].startswith("Of 2 graders, 'good' ranks the honest miners best")
    assert "and 'poor' worst" in message.findings[0]
    nobody = page(study(silent, graded("silent", silent)), CONFIG, tmp_path)
    assert nobody.findings[0] == "It is unknown which of 1 grader ranks the honest miners best."
    captions = {section.key: section.caption.shows for section in nobody.sections}
    assert "is unknown" in captions["quality"] and "is unknown" in captions["right_or_wrong"]
    assert not any("silent" in shown for shown in captions.values())
