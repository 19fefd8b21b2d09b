"""What answers say by the prompt alone."""

from functools import cache

import pytest

from subnets import NOTHING, SILENT, Answer, Task, load_subnet
from subnets.text_prompting.readings import COMPARABLE, choices

EVERY = load_subnet("text_prompting")
PERSONAS = {"plain": EVERY, "template": load_subnet({"kind": "text_prompting", "persona": "template"})}


def tasks(kind: str, persona: str = "plain") -> list[Task]:
    return [task for task in drawn(persona) if task.kind == kind][:4]


@cache
def drawn(persona: str) -> list[Task]:
    return [PERSONAS[persona].task(seed) for seed in range(100)]


@pytest.mark.parametrize("persona", PERSONAS)
@pytest.mark.parametrize("kind", ["multiple_choice", "classification"])
def test_the_options_are_read_from_the_prompt_and_counted(kind: str, persona: str) -> None:
    for task in tasks(kind, persona):
        assert choices(kind, task.prompt) == task.reference.options
        assert EVERY.wrong(task) == len(task.reference.options) - 1


@pytest.mark.parametrize("kind", COMPARABLE)
def test_right_answers_are_equal_and_others_differ_with_and_without_the_truth(kind: str) -> None:
    for task in tasks(kind):
        gold = EVERY.gold(task).text
        other = EVERY.gold(next(t for t in tasks(kind) if EVERY.gold(t).text != gold)).text
        answers = [Answer(text=gold), Answer(text=f" {gold}. "), Answer(text=other), Answer(text=""), None]
        items = EVERY.items(task, answers)
        assert items is not None and items.right is not None and items.parts == 1
        same, again, differing, *silent = items.classes[0].tolist()
        assert same == again > NOTHING and differing != same and silent == [SILENT, SILENT]
        assert items.right[0].tolist() == [1, 1, 0, 0, 0]
        blind = EVERY.items(Task(task.id, prompt=task.prompt, kind=kind), answers)
        assert blind is not None and blind.right is None and blind.classes.tolist() == items.classes.tolist()


def test_ways_to_write_a_number_or_a_date_are_one_answer() -> None:
    for kind, ways in (
        ("arithmetic", ("1,200", "1200.0", "The answer is 1200")),
        ("date", ("9 May 1902", "1902-05-09")),
    ):
        items = EVERY.items(tasks(kind)[0], [Answer(text=way) for way in ways])
        assert items is not None and set(items.classes[0].tolist()) == {1}


@pytest.mark.parametrize("kind", ["summary", "instructions", "question_writing", "loop"])
def test_free_writing_can_not_be_compared(kind: str) -> None:
    task = tasks(kind)[0]
    assert EVERY.items(task, [EVERY.gold(task)]) is None
