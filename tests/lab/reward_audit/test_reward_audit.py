"""The audit of reward functions, on broken and sound ones."""

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from lab.errors import ConfigError
from lab.report.export import as_dict
from lab.reward_audit.attacks import ATTACKS
from lab.reward_audit.card import card, findings
from lab.reward_audit.function import RewardFault, RewardFunction
from lab.reward_audit.measure import RewardAudit, RewardAuditError, measure
from lab.reward_audit.tasks import AuditTask, make_tasks, read_tasks
from lab.statistics.interval import ALL_EQUAL
from subnets import SUBNETS
from subnets.text import fold
from tests.lab.reward_audit import graders

GRADERS = "tests.lab.reward_audit.graders"
SHORT = ("extractive", "two_hop", "date", "arithmetic")


@cache
def tasks(*kinds: str) -> tuple[AuditTask, ...]:
    subnet = SUBNETS.load({"kind": "text_prompting", "mix": dict.fromkeys(kinds, 1.0)})
    return tuple(make_tasks(subnet, 12, seed=0))


@cache
def audited(name: str, *kinds: str) -> RewardAudit:
    chosen = tasks(*(kinds or SHORT))
    graders.KEY.update({task.prompt: fold(task.text) for task in chosen})
    return measure(RewardFunction.find(f"{GRADERS}:{name}"), chosen)


def lines(path: Path, *objects: Any) -> Path:
    text = "\n".join(json.dumps(each, ensure_ascii=False) for each in objects)
    path.write_text(f"\ufeff{text}", encoding="utf-8")  # as some editors write it
    return path


def function(given: Any) -> RewardFunction:
    return RewardFunction("test:given", given, "together", takes_task=True)


@pytest.mark.parametrize(
    ("name", "attack", "kinds"),
    [
        ("pays_length", "very long", SHORT),
        ("looks_for_the_reference", "every answer", SHORT),
        ("looks_for_the_answer", "empty", SHORT),
        ("pays_relevance", "echo", SHORT),
        ("obeys", "forged score", SHORT),
        ("clips_nan", "not a number", ("arithmetic",)),
        ("follows_the_majority", "majority", SHORT),
        ("compares_bags_of_words", "shuffled", ("summary",)),
        ("believes_confidence", "confident", SHORT),
        ("matches_patterns", "wildcard", SHORT),
    ],
)
def test_the_planted_flaw_of_a_broken_grader_is_found(name: str, attack: str, kinds: tuple[str, ...]) -> None:
    assert attack in [result.attack.name for result in audited(name, *kinds).paying]


@pytest.mark.parametrize(
    ("name", "kinds"),
    [("exact", SHORT), ("exact_of_one", SHORT), ("closeness", ("arithmetic",)), ("ranks_by_truth", SHORT)],
)
def test_nothing_is_found_in_a_sound_grader(name: str, kinds: tuple[str, ...]) -> None:
    audit = audited(name, *kinds)
    assert audit.separates and audit.paying == () and audit.failures == ()


def test_the_template_of_the_field_is_sound_on_tasks_of_its_own(tmp_path: Path) -> None:
    path = lines(tmp_path / "tasks.jsonl", *({"query": n, "reference": 2 * n, "note": "a\u2028b"} for n in range(20)))
    audit = measure(RewardFunction.find(f"{GRADERS}:doubles"), read_tasks(path))
    assert audit.call == "each" and audit.separates and audit.paying == () and audit.failures == ()


def test_there_are_at_least_25_attacks_each_with_a_name_of_its_own() -> None:
    assert len({attack.name for attack in ATTACKS}) == len(ATTACKS) >= 25


def test_a_dressed_up_answer_still_says_what_is_right_and_a_worthless_one_is_another_text() -> None:
    for task in tasks(*SHORT):
        for attack in ATTACKS:
            if attack.keeps_truth:
                assert fold(task.text) in fold(attack.answer(task) or "")
            elif attack.applies(task) and attack.name != "constant":
                assert fold(attack.answer(task) or "") != fold(task.text)


def test_a_grader_that_pays_everybody_alike_does_not_separate() -> None:
    audit = measure(function(lambda task, answers: [0.5] * len(answers)), tasks(*SHORT))
    assert not audit.separates and audit.paying == ()
    assert findings(audit)[0].startswith("Right answers do not earn significantly more than wrong ones")


def test_a_random_grader_is_noisy_and_a_grader_of_places_depends_on_order() -> None:
    from random import Random

    rng = Random(0)
    noisy = measure(function(lambda task, answers: [rng.random() for _ in answers]), tasks(*SHORT))
    assert (noisy.noise.again.low or 0) > 0.2 and noisy.noise.changed.value == 1.0
    placed = measure(function(lambda task, answers: [1 / (1 + n) for n in range(len(answers))]), tasks(*SHORT))
    assert placed.noise.again.value == 0.0 and (placed.noise.order.value or 0) > 0.1
    assert placed.last.value == pytest.approx(1 / 3 - 1)


def test_a_failure_is_told_in_a_line_with_the_attack_and_the_input() -> None:
    def fragile(task: Any, answers: list[str]) -> list[float]:
        return [float(fold(answer.strip()) == fold(task.reference)) for answer in answers]

    audit = measure(function(fragile), tasks(*SHORT))
    (failure,) = audit.failures
    assert (failure.attack, failure.answer, failure.times) == ("none", "none", 12)
    assert failure.reason == "AttributeError: 'NoneType' object has no attribute 'strip'"
    assert "'none': task 0 of text_prompting, answer none: AttributeError" in findings(audit)[-1]


def test_a_function_that_can_not_grade_ordinary_answers_is_an_error_of_one_line() -> None:
    with pytest.raises(
        RewardAuditError, match="fails on ordinary answers: task 0 .*KeyError: 'label'.*--call"
    ) as error:
        measure(function(lambda task, answers: [task["label"] for _ in answers]), tasks(*SHORT))
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("returned", "reason"),
    [
        ([1.0], "returned 1 rewards for 2 answers"),
        (0.5, "returned float 0.5 for 2 answers, not a list"),
        ([1.0, "good"], "returned str 'good', not a number"),
        ([1.0, float("nan")], "returned nan"),
    ],
)
def test_what_is_no_reward_is_a_fault(returned: Any, reason: str) -> None:
    with pytest.raises(RewardFault, match=reason):
        function(lambda task, answers: returned).rewards(tasks(*SHORT)[0], ["a", "b"])


def test_how_to_call_a_function_is_read_from_its_parameters() -> None:
    assert RewardFunction.find(f"{GRADERS}:exact").call == "together"
    assert RewardFunction.find(f"{GRADERS}:exact").takes_task
    assert RewardFunction.find(f"{GRADERS}:exact_of_one").call == "each"
    assert not RewardFunction.find(f"{GRADERS}:exact_of_one").takes_task
    assert RewardFunction.find(f"{GRADERS}:closeness").call == "together"
    with pytest.raises(ConfigError, match="'x'.*--call each"):
        RewardFunction.find(f"{GRADERS}:unclear")
    assert RewardFunction.find(f"{GRADERS}:unclear", "each").call == "each"


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (GRADERS, "write MODULE:FUNCTION"),
        ("no_such_module:f", "no_such_module can't be imported"),
        (f"{GRADERS}:typo", "graders has no typo; its functions: .*exact"),
        (f"{GRADERS}:KEY", "is a dict; name a function"),
        (f"{GRADERS}:last_number", "a function of two arguments"),
    ],
)
def test_what_is_no_function_to_audit_is_explained(source: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        RewardFunction.find(source)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{", "tasks.jsonl:1: not JSON"),
        ("[1]", "tasks.jsonl:1: write an object"),
        ('{"prompt": "a"}', "tasks.jsonl:1: no reference"),
        ('{"reference": "a"}', "tasks.jsonl:1: neither a prompt nor a query"),
        ('{"prompt": "a", "reference": "b", "wrong": "c"}', "tasks.jsonl:1: wrong is a list"),
        ('{"prompt": "a", "reference": "b", "wrong": ["b"]}', "among the wrong answers"),
        ('{"prompt": "a", "reference": "b"}', "1 tasks; give at least 12"),
        ("\n".join(['{"prompt": "a", "reference": "b"}'] * 12), "all references are alike"),
    ],
)
def test_a_file_that_holds_no_tasks_is_explained(tmp_path: Path, line: str, message: str) -> None:
    path = tmp_path / "tasks.jsonl"
    path.write_text(line)
    with pytest.raises(ConfigError, match=message):
        read_tasks(path)


def test_the_function_gets_the_keys_of_a_line_as_attributes(tmp_path: Path) -> None:
    path = lines(tmp_path / "tasks.jsonl", *({"prompt": f"{n}?", "reference": str(n), "label": n} for n in range(12)))
    seen: list[Any] = []
    function(lambda task, answers: seen.append(task) or [0.0]).rewards(read_tasks(path)[3], ["a"])
    assert (seen[0].label, seen[0]["reference"], seen[0].prompt) == (3, "3", "3?")
    with pytest.raises(AttributeError, match="no 'answer'; it has .*label"):
        _ = seen[0].answer


def test_what_a_function_prints_stays_out_of_the_output(capsys: pytest.CaptureFixture[str]) -> None:
    function(lambda task, answers: print("hello") or [0.0]).rewards(tasks(*SHORT)[0], ["a"])
    assert capsys.readouterr().out == ""


def test_the_card_holds_every_figure_with_its_interval_and_marks_what_pays() -> None:
    sections = {section.key: section for section in card(audited("obeys")).sections}
    assert list(sections) == ["exploits", "noise", "bias", "cost"]
    row = next(row for row in as_dict(sections["exploits"])["rows"] if row["attack"] == "forged score")
    assert row["pays"]
    assert row["reward"] == {"value": 1.0, "low": None, "high": None, "n": 12, "method": ALL_EQUAL.method}
    assert sections["exploits"].tags == ["pays more than it should"]
