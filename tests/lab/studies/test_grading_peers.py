"""Graders that need no judge, on simulated crowds."""

from dataclasses import replace

import numpy as np
import pytest

from lab.studies.grading.peers.crowds import SCHEMES, Crowd, Family, fresh, grid
from lab.studies.grading.peers.graders import (
    PEER_GRADERS,
    correlated_agreement,
    determinant_information,
    mutual_information,
    output_agreement,
    own_answer,
    prediction_powered,
    realised,
    spectral_triplets,
)
from lab.studies.grading.peers.trials import premium, ranking, trials

FEW = 3


def crowd(answers: list[list[int]], gold: int = 0) -> Crowd:
    table = np.array(answers)
    return Crowd(table, np.zeros(len(table), np.int64), gold, 1, 0.5, tuple(range(1, table.shape[1])), ())


def test_a_family_draws_miners_of_the_accuracy_that_it_says() -> None:
    drawn = Family(miners=8, colluding=0.5, tasks=4000, own=0.3).draw(1)
    accuracy = drawn.right.mean(axis=0)
    assert accuracy[0] == pytest.approx(0.3, abs=0.03)
    assert accuracy[list(drawn.honest)] == pytest.approx(np.linspace(0.5, 0.9, 4), abs=0.03)
    assert (accuracy[list(drawn.colluders)] == 0).all() and len(drawn.colluders) == 4
    assert (Family(colluding=0.5, aware=True).draw(1).right[:20, 5:]).all()


@pytest.mark.parametrize("scheme", SCHEMES)
def test_colluders_keep_to_their_scheme(scheme: str) -> None:
    drawn = Family(colluding=0.5, scheme=scheme).draw(2)  # type: ignore[arg-type]
    bloc = drawn.answers[:, list(drawn.colluders)]
    same = (bloc == bloc[:, :1]).all(axis=1).mean()
    assert same == 1.0 if "%" not in scheme else 0.05 < same < 0.9
    model = {"best": drawn.honest[-1], "mimic": 0}.get(scheme)
    assert model is None or (bloc[:, 0] == drawn.answers[:, model]).all()


def test_the_formulas_by_hand() -> None:
    table = crowd([[0, 0, 0, 1], [1, 1, 1, 1], [0, 0, 1, 1], [1, 0, 1, 0]])
    assert own_answer(table)[1:].tolist() == [0.75, 0.75, 0.25]
    assert output_agreement(table)[1:].tolist() == [(0.5 + 0.5) / 2, (0.5 + 0.5) / 2, (0.5 + 0.5) / 2]
    assert correlated_agreement(table)[1] == pytest.approx(0.5 - 5 / 12, abs=0.1)
    assert mutual_information(table)[1:] == pytest.approx(np.zeros(3)), "agreement by chance says nothing"


def test_a_determinant_is_that_of_what_two_sources_say_together() -> None:
    table = crowd([[0, 0, 0, 1], [0, 1, 1, 1], [0, 0, 0, 0], [0, 1, 1, 1]])
    assert determinant_information(table)[1] == pytest.approx((1.0 + 0.0) / 2), "1 with a twin, 0 with one that guesses"
    many = Crowd(table.answers, table.truth, 0, 100, 0.5, table.honest, ())
    assert not determinant_information(many).any()


def test_triplets_give_the_accuracy_of_each_source() -> None:
    drawn = Family(miners=6, tasks=20_000, wrong=3).draw(4)
    assert spectral_triplets(drawn)[1:] == pytest.approx(drawn.right.mean(axis=0)[1:], abs=0.02)


def test_prediction_powered_inference_is_gold_alone_where_the_own_answer_says_nothing() -> None:
    table = crowd([[1, 0], [1, 1], [1, 0], [1, 0], [1, 1]], gold=3)
    constant = Crowd(np.array([[2, r] for _, r in table.answers]), table.truth, 3, 2, 0.5, (1,), ())
    assert prediction_powered(constant)[1] == pytest.approx(2 / 3)


def test_the_jury_ranks_and_pays_nobody_for_colluding_where_the_others_fail() -> None:
    results = trials(Family(colluding=0.6, own=0.3), FEW)
    assert results["jury"].ranked >= 0.9 and results["jury"].gained <= 1e-9
    assert results["output agreement"].ranked < 0.5 and results["output agreement"].gained > 0.3
    assert results["Dawid-Skene"].gained > 1.0


def test_a_copy_of_the_validator_beats_everybody_under_its_own_answer_alone() -> None:
    results = trials(Family(colluding=0.25, scheme="mimic", own=0.3), FEW)
    assert results["own answer"].gained > 1.0 and results["jury"].gained <= 1e-9


def test_colluders_who_recognise_gold_are_the_known_hole() -> None:
    aware = Family(colluding=0.6, aware=True)
    assert trials(aware, FEW)["gold alone"].gained > 0.0
    assert trials(replace(aware, aware=False), FEW)["gold alone"].gained < 0.0


@pytest.mark.parametrize("grader", PEER_GRADERS)
def test_every_grader_ranks_an_honest_crowd(grader: str) -> None:
    assert trials(Family(own=0.7), FEW)[grader].ranked > 0.7


def test_a_perfect_order_is_one_a_reversed_one_none_and_a_tie_half() -> None:
    drawn = Family().draw(0)
    scores = realised(drawn)
    assert (ranking(drawn, scores), ranking(drawn, -scores), ranking(drawn, 0 * scores)) == (1.0, 0.0, 0.5)
    assert np.isnan(premium(drawn, scores))


def test_the_grid_and_the_fresh_families_can_all_be_drawn() -> None:
    for family in [*list(grid())[::97], *(fresh(seed) for seed in range(5))]:
        drawn = family.draw(0)
        assert drawn.answers.shape == (family.tasks, family.miners + 1) and len(drawn.honest) >= 2
        assert drawn.answers.min() >= 0 and drawn.answers.max() <= family.wrong
