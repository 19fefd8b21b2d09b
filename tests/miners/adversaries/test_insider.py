import pickle

import pytest

from miners import load_miner
from miners.adversaries import Insider, NegatedTruth, Oracle, negate
from subnets import Query, Subnet, Task, load_subnet
from subnets.score import Scorer
from validators import load_validator
from validators.validator import Validator

SEEDS = (11, 12)


@pytest.fixture(scope="module")
def subnet() -> Subnet:
    return load_subnet("text_prompting")


def asked(subnet: Subnet, rounds: int) -> list[tuple[Task, Query]]:
    assignments = []
    for number in range(rounds):
        validator = load_validator({"kind": "honest", "seed": SEEDS[number % 2]})
        assert isinstance(validator, Validator)
        assignment = validator.prepare(subnet, number, {0: 1.0}, caller=Query("", "", prompt=None).caller)  # type: ignore[arg-type]
        assignments.append((assignment.task, assignment.query))
    return assignments


def informed(subnet: Subnet, kind: str, **options: object) -> Insider:
    miner = load_miner({"kind": kind, **options})
    assert isinstance(miner, Insider)
    insider = miner.informed(subnet, SEEDS)
    assert isinstance(insider, Insider)
    return insider


def test_an_insider_finds_the_very_task_that_the_validator_set(subnet: Subnet) -> None:
    oracle = informed(subnet, "oracle")
    for task, query in asked(subnet, 12):
        recreated = oracle.task(query)
        assert (recreated.prompt, recreated.reference, recreated.kind) == (task.prompt, task.reference, task.kind)


async def test_an_oracle_answers_right_with_its_probability(subnet: Subnet) -> None:
    for p in (0.0, 0.7, 1.0):
        oracle, right = informed(subnet, "oracle", p=p, seed=5), 0
        for task, query in asked(subnet, 40):
            quality = subnet.quality(task, await oracle.forward(query))  # type: ignore[arg-type]
            right += quality is not None and quality > 0.99
        assert abs(right / 40 - p) < 0.2, (p, right)


async def test_an_oracle_says_the_same_each_time_and_on_every_host(subnet: Subnet) -> None:
    oracle = informed(subnet, "oracle", p=0.5, seed=5)
    [(_, query)] = asked(subnet, 1)
    assert await oracle.forward(query) == await pickle.loads(pickle.dumps(oracle)).forward(query)


async def test_the_negated_truth_looks_like_the_truth_and_is_worth_less(subnet: Subnet) -> None:
    liar, scorer = informed(subnet, "negated_truth"), subnet.scorer()
    assert isinstance(liar, NegatedTruth) and isinstance(scorer, Scorer)
    truths, lies = [], []
    for task, query in asked(subnet, 30):
        truth = subnet.quality(task, subnet.gold(task))
        lie = subnet.quality(task, await liar.forward(query))
        if truth is not None and lie is not None:
            truths.append(truth)
            lies.append(lie)
    assert sum(lies) / len(lies) < sum(truths) / len(truths) - 0.2


async def test_the_insiders_of_a_process_make_each_task_once(monkeypatch: pytest.MonkeyPatch, subnet: Subnet) -> None:
    made: list[int] = []
    task = type(subnet).task
    monkeypatch.setattr(type(subnet), "task", lambda self, seed: made.append(seed) or task(self, seed))
    oracles = [informed(subnet, "oracle", seed=seed) for seed in range(5)]
    [(own, query)] = [(own, query) for own, query in asked(subnet, 8)][-1:]
    del made[:]
    answers = {(await oracle.forward(query)).body() for oracle in oracles}  # type: ignore[union-attr]
    assert answers == {subnet.gold(own).body()}
    assert made in ([], [own.seed])


@pytest.mark.parametrize("name", ["text_prompting", "ocr"])
def test_a_subnet_knows_the_kind_of_a_task_without_making_it(name: str) -> None:
    subnet = load_subnet(name)
    kinds = [subnet.kind(seed) for seed in range(3)]
    assert None not in kinds and kinds == [subnet.task(seed).kind for seed in range(3)]


async def test_a_wrong_answer_is_looked_for_among_tasks_of_its_kind_alone(
    monkeypatch: pytest.MonkeyPatch, subnet: Subnet
) -> None:
    oracle, kinds = informed(subnet, "oracle", p=0.0), []
    [(own, query)] = asked(subnet, 1)
    task = type(subnet).task

    def noted(self: Subnet, seed: int) -> Task:
        made = task(self, seed)  # type: ignore[arg-type]
        kinds.append(made.kind)
        return made

    monkeypatch.setattr(type(subnet), "task", noted)
    wrong = await oracle.forward(query)
    assert set(kinds) == {own.kind} and subnet.quality(own, wrong) != 1.0  # type: ignore[arg-type]


def test_who_was_not_given_the_secrets_knows_nothing(monkeypatch: pytest.MonkeyPatch, subnet: Subnet) -> None:
    [(_, query)] = asked(subnet, 1)
    oracle = load_miner("oracle")
    assert isinstance(oracle, Oracle)
    with pytest.raises(LookupError, match="lacks the run's subnet"):
        oracle.task(query)
    stranger = oracle.informed(subnet, (999,))
    assert isinstance(stranger, Oracle)
    monkeypatch.setattr("miners.adversaries.insider.FURTHEST", 1)
    with pytest.raises(LookupError, match="comes from none of the validators"):
        stranger.task(query)


@pytest.mark.parametrize(
    ("text", "opposite"),
    [
        ("Ada was born in Lund.", "Ada was not born in Lund."),
        ("Yes", "no"),
        ("42", "43"),
        ("Lund", "not Lund"),
        ("", "That is not so."),
    ],
)
def test_a_negation_keeps_the_words_and_turns_the_sense(text: str, opposite: str) -> None:
    assert negate(text) == opposite
