"""The contract of plug-ins: what every subnet, miner and scorer that is known by name must keep, ours and theirs."""

from typing import Any

import pytest

from lab.cli.plugins.catalogue import registries
from lab.contract import Rule, grading, violations
from lab.contract import plugin as plugin_contract
from lab.contract import subnet as subnet_contract
from subnets import SUBNETS, Answer, Plugins, Response, Subnet
from validators import SAMPLERS, SCORERS, WEIGHT_RULES, receive, score

SORTS = registries()
KINDS = [(sort, kind) for sort, plugins in SORTS.items() for kind in plugins.sources()]
EXAMPLES: dict[tuple[str, str], dict[str, Any]] = {
    ("miners", "copycat"): {"victim": "echo"},
    ("miners", "ring"): {"victim": "echo"},
    ("scorers", "cascade"): {"cheap": "length", "judge": "edit_similarity"},
    ("scorers", "judge"): {"max_tokens": 4, "max_characters": 200},
    ("scorers", "pairwise_judge"): {"max_tokens": 4, "max_characters": 200},
    ("scorers", "reward_model"): {"model": "./no-such-folder"},
    ("scorers", "weighted"): {"terms": [{"scorer": "rouge"}, {"scorer": "edit_similarity"}]},
    ("validators", "bribed"): {"uids": [3]},
    ("validators", "cabal"): {"uids": [3]},
    ("validators", "favourite"): {"uids": [3]},
    ("validators", "poison_pill"): {"uids": [3]},
    ("weight_rules", "burn"): {"uid": 9},
}
"""Options of the kinds that can't do without any, or take long without."""
RUN_MODELS = ("judge", "log_probability", "model_check", "pairwise_judge", "reward_model")
"""Scorers that load a language model to grade."""


def example(sort: str, kind: str) -> Any:
    plugins: Plugins[Any] = SORTS[sort]
    return plugins.load({"kind": kind, **EXAMPLES.get((sort, kind), {})})


@pytest.mark.parametrize(("sort", "kind"), KINDS)
def test_a_plugin_loads_pickles_and_writes_itself_out(sort: str, kind: str) -> None:
    plugin = example(sort, kind)
    assert SORTS[sort].spec(plugin)["kind"] == kind
    assert violations((*plugin_contract.RULES, plugin_contract.writes_itself_out(SORTS[sort])), plugin) == []


@pytest.fixture(params=sorted(SUBNETS.sources()))
def subnet(request: pytest.FixtureRequest) -> Subnet:
    return SUBNETS.load(request.param)


@pytest.mark.parametrize("rule", subnet_contract.RULES)
def test_a_subnet_keeps_each_rule_of_its_contract(rule: Rule[Subnet], subnet: Subnet) -> None:
    assert list(rule(subnet)) == []


@pytest.mark.parametrize(
    "kind",
    [pytest.param(kind, marks=pytest.mark.models if kind in RUN_MODELS else ()) for kind in sorted(SCORERS.sources())],
)
def test_a_scorer_grades_within_bounds_or_says_why_not(kind: str, subnet: Subnet) -> None:
    scorer = example("scorers", kind)
    task = subnet.task(1)
    bodies = [subnet.gold(task).body(), Answer().body(), Answer(text="something else").body()]
    read = [receive(subnet, Response(uid=uid, body=body)) for uid, body in enumerate(bodies)]
    for graded in score(scorer, task, read):
        assert graded.value is not None or graded.reason


@pytest.mark.parametrize("kind", sorted(SAMPLERS.sources()))
def test_a_sampler_keeps_its_contract(kind: str) -> None:
    assert violations(grading.SAMPLER_RULES, example("samplers", kind)) == []


@pytest.mark.parametrize("kind", sorted(WEIGHT_RULES.sources()))
def test_a_weight_rule_keeps_its_contract(kind: str) -> None:
    assert violations(grading.WEIGHT_RULE_RULES, example("weight_rules", kind)) == []
