import pickle
import random
import subprocess
import sys
from collections import Counter
from dataclasses import replace

import pytest

from subnets import Answer, PluginError, Task, load_subnet
from subnets.text_prompting import TextPrompting, Truth
from subnets.text_prompting.kinds import KINDS, Kind

SEEDS = range(60)


def made(kind: Kind, seeds: range = SEEDS) -> list[Task]:
    subnet = TextPrompting(mix={kind: 1.0})
    return [subnet.task(seed) for seed in seeds]


def quality(task: Task, text: str) -> float:
    result = TextPrompting().quality(task, Answer(text=text))
    assert result is not None
    return result


@pytest.mark.parametrize("kind", KINDS)
def test_the_gold_answer_is_right_and_an_empty_one_wrong(kind: Kind) -> None:
    subnet = TextPrompting()
    for task in made(kind):
        assert task.kind == kind
        assert quality(task, subnet.gold(task).text) == 1.0, (task.seed, task.reference)
        assert quality(task, "") == 0.0
        assert quality(task, " \n\t") == 0.0


@pytest.mark.parametrize("kind", KINDS)
def test_the_right_answer_to_another_task_is_wrong_as_often_as_chance_has_it(kind: Kind) -> None:
    tasks = made(kind)
    mean = sum(quality(task, other.reference.text) for task, other in zip(tasks, tasks[1:], strict=False)) / len(SEEDS)
    # One in four options, one in three or five labels.
    assert mean <= {"multiple_choice": 0.4, "classification": 0.3}.get(kind, 0.1)


@pytest.mark.parametrize("kind", KINDS)
def test_the_prompt_sent_back_is_not_an_answer(kind: Kind) -> None:
    tasks = made(kind)
    assert sum(quality(task, task.prompt.text) for task in tasks) / len(tasks) <= 0.1


@pytest.mark.parametrize("kind", ["extractive", "two_hop", "summary"])
def test_a_denied_truth_is_wrong(kind: Kind) -> None:
    for task in made(kind):
        sentences = [f"It is not true that {part}" for part in task.reference.text.split(". ")]
        assert quality(task, ". ".join(sentences)) == 0.0


@pytest.mark.parametrize("kind", ["extractive", "two_hop"])
def test_naming_every_candidate_is_not_an_answer(kind: Kind) -> None:
    for task in made(kind):
        if task.reference.rivals:
            assert quality(task, ", ".join([task.reference.text, *task.reference.rivals])) == 0.0


def test_the_answer_to_an_extractive_question_stands_in_its_passage() -> None:
    for task in made("extractive"):
        assert task.reference.text in task.prompt.text


def test_a_two_hop_question_does_not_name_whom_it_goes_through() -> None:
    for task in made("two_hop"):
        question = task.prompt.text.rpartition("Question: ")[2]
        assert task.reference.text not in question
        assert " the " in question


def test_a_shuffled_summary_keeps_little() -> None:
    rng = random.Random(0)
    result = []
    for task in made("summary"):
        words = task.reference.text.split()
        rng.shuffle(words)
        result.append(quality(task, " ".join(words)))
    assert sum(result) / len(result) < 0.3


def test_an_invented_fact_costs_a_summary() -> None:
    for task in made("summary"):
        assert quality(task, task.reference.text + " It was rebuilt in 2031 by Zoltan Quimby.") < 0.6


@pytest.mark.parametrize("kind", KINDS)
def test_the_truth_does_not_travel_with_the_query(kind: Kind) -> None:
    task = made(kind, range(1))[0]
    query = pickle.dumps(task.query())
    assert b"truth" not in query and type(task.reference).__name__.encode() not in query
    assert replace(task, reference=None).query() == task.query()


def test_a_task_is_the_same_in_another_process() -> None:
    script = (
        "import hashlib; from subnets.text_prompting import TextPrompting; s = TextPrompting(); "
        "print(hashlib.sha256(repr([s.task(n) for n in range(40)]).encode()).hexdigest(), "
        "*[s.task(n).reference for n in range(40)])"
    )
    runs = [
        subprocess.run(
            [sys.executable, "-c", script], capture_output=True, text=True, check=True, env={"PYTHONHASHSEED": seed}
        ).stdout
        for seed in ("1", "2")
    ]
    assert runs[0] == runs[1]


@pytest.mark.slow
def test_no_two_tasks_are_alike() -> None:
    subnet = TextPrompting()
    conversations = {str(subnet.task(seed).prompt.messages) for seed in range(2_000)}
    assert len(conversations) == 2_000


def test_passages_share_few_runs_of_eight_words() -> None:
    texts = [task.prompt.text.partition("\n\n")[0].split() for task in made("extractive", range(300))]
    runs = Counter(run for text in texts for run in {tuple(text[i : i + 8]) for i in range(len(text) - 7)})
    shared = sum(count for count in runs.values() if count > 1) / sum(runs.values())
    # What is shared is the sentences that state no fact.
    assert shared < 0.25


def test_the_mix_sets_the_shares_of_the_kinds() -> None:
    subnet = TextPrompting(mix={"arithmetic": 3, "date": 1, "summary": 0})
    kinds = Counter(subnet.task(seed).kind for seed in range(400))
    assert set(kinds) == {"arithmetic", "date"}
    assert 0.68 < kinds["arithmetic"] / 400 < 0.82


def test_a_longer_passage_is_asked_for_and_made() -> None:
    short, long = (TextPrompting(mix={"extractive": 1}, passage_sentences=span) for span in ((3, 3), (25, 25)))
    assert 3 * len(short.task(1).prompt.text) < len(long.task(1).prompt.text)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"mix": {"summary": 0}}, "every weight is 0"),
        ({"mix": {"riddle": 1}}, "riddle"),
        ({"passage_sentences": [9, 4]}, r"write \[4, 9\]"),
        ({"mix": {"text_summary": 1}}, "needs a writer"),
        ({"persona": "model"}, "needs a writer"),
        ({"organic_share": 0.5}, "needs a file"),
    ],
)
def test_an_option_that_can_not_work_is_refused_with_the_fix(options: dict[str, object], message: str) -> None:
    with pytest.raises(PluginError, match=message):
        load_subnet({"kind": "text_prompting", **options})


def test_every_reference_is_a_truth_that_gives_its_own_answer() -> None:
    subnet = TextPrompting()
    for seed in range(100):
        task = subnet.task(seed)
        assert isinstance(task.reference, Truth)
        assert subnet.gold(task).text == task.reference.text


def test_a_persona_changes_the_words_and_not_the_truth() -> None:
    plain, dressed = TextPrompting(), TextPrompting(persona="template")
    for seed in range(30):
        bare, worn = plain.task(seed), dressed.task(seed)
        assert bare.reference == worn.reference
        assert bare.prompt.text in worn.prompt.text != bare.prompt.text


def test_the_order_of_a_mix_does_not_matter() -> None:
    subnet = TextPrompting(mix={"summary": 1.0, "arithmetic": 2.0, "date": 1.0})
    other = TextPrompting(mix={"date": 1.0, "arithmetic": 2.0, "summary": 1.0})
    assert [subnet.task(seed) for seed in range(20)] == [other.task(seed) for seed in range(20)]
