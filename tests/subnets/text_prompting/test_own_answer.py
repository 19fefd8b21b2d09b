import pytest

from subnets import Answer, Response, Task
from subnets.text_prompting.truths.choice import Choice
from subnets.text_prompting.truths.own_answer import OwnAnswer

OPTIONS = ("Ulm", "Bonn", "Kiel", "Trier")


def task(seed: int) -> Task:
    return Task(id=str(seed), seed=seed, reference=Choice("B", OPTIONS, right=1))


def share(scorer: OwnAnswer, letter: str, tasks: int = 600) -> float:
    response = Response(uid=0, answer=Answer(text=letter))
    return sum(scorer.score(task(seed), response).value or 0.0 for seed in range(tasks)) / tasks


def test_it_pays_the_truth_as_often_as_it_is_right_and_all_mistakes_equally() -> None:
    scorer = OwnAnswer(accuracy=0.7)
    assert share(scorer, "B") == pytest.approx(0.7, abs=0.05)
    assert share(scorer, "A") == pytest.approx(0.1, abs=0.04)
    assert share(scorer, "D") == pytest.approx(0.1, abs=0.04)


def test_the_same_answer_to_the_same_task_earns_the_same_again() -> None:
    response = Response(uid=0, answer=Answer(text="B"))
    assert all(
        OwnAnswer(accuracy=0.5).score(task(seed), response) == OwnAnswer(accuracy=0.5).score(task(seed), response)
        for seed in range(20)
    )


def test_a_panel_is_right_more_often_than_its_members() -> None:
    # Three of 0.7 with three wrong options: two or three right, or one right and a three-way tie won by lot.
    expected = 0.7**3 + 3 * 0.7**2 * 0.3 + 3 * 0.7 * 0.3**2 * (2 / 3) / 3
    assert share(OwnAnswer(accuracy=0.7, judges=3), "B", tasks=2000) == pytest.approx(expected, abs=0.03)


def test_a_task_without_a_choice_is_refused() -> None:
    with pytest.raises(TypeError, match="no Choice for a truth"):
        OwnAnswer().score(Task(id="1", reference="text"), Response(uid=0, answer=Answer(text="B")))
