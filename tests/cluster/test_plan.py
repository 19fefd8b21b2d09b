"""Which hosts a plan has, and whom they serve."""

import pytest

from cluster import PoolError
from cluster.plan import IO_CONCURRENCY, plan
from cluster.requirements import Requirements
from miners import Miner
from tests.cluster import fakes


def groups(miners: dict[int, Miner], cores: int = 2) -> dict[str, tuple[int, ...]]:
    return {group.name: tuple(group.miners) for group in plan(miners, cores).groups}


def test_miners_without_engines_share_one_light_host() -> None:
    (group,) = plan({uid: fakes.Says(seed=uid) for uid in range(256)}, 2).groups
    assert (group.name, group.hosts, group.slots, group.light) == ("io", 1, IO_CONCURRENCY, True)


def test_engines_that_may_be_copied_get_one_host_a_core_whatever_their_number() -> None:
    miners: dict[int, Miner] = {uid: fakes.Works(engine=fakes.Core(busy_s=uid)) for uid in range(5)}
    (group,) = plan(miners, 2).groups
    assert (group.name, group.hosts, group.slots, group.cpus, group.light) == ("cpu", 2, 1, 1.0, False)
    assert plan(miners, 8, max_replicas=3).groups[0].hosts == 3


def test_every_other_engine_has_one_host_for_all_its_miners() -> None:
    one, two = fakes.Model(name="one", wants_gpus=0.5), fakes.Model(name="two")
    miners: dict[int, Miner] = {0: fakes.Works(engine=one), 1: fakes.Works(engine=two), 2: fakes.Works(engine=one)}
    first, second = plan(miners, 2).groups
    assert (first.name, tuple(first.miners), first.hosts, first.slots, first.gpus) == ("model-0", (0, 2), 1, 4, 0.5)
    assert (second.name, tuple(second.miners), second.gpus) == ("model-1", (1,), 0.0)


def test_an_api_client_has_a_light_host_with_its_own_limit() -> None:
    (group,) = plan({0: fakes.Works.model_construct(engine=fakes.Api(), seed=0)}, 2).groups
    assert (group.name, group.slots, group.light) == ("api-0", 8, True)


def test_a_copycat_lives_with_its_victim() -> None:
    miners: dict[int, Miner] = {
        0: fakes.Works(seed=7),
        1: fakes.Says(),
        2: fakes.Copies(victim=fakes.Works()),
        3: fakes.Copies(victim=fakes.Says()),
    }
    assert groups(miners) == {"io": (1, 3), "cpu": (0, 2)}
    assert plan(miners, 2).affinity.after == {2: (0,), 3: (1,)}


def test_a_copycat_with_an_engine_takes_its_victim_along() -> None:
    class Both(fakes.Copies):
        engine: fakes.Model = fakes.Model()

    miners: dict[int, Miner] = {0: fakes.Says(), 1: Both(victim=fakes.Says()), 2: fakes.Says(text="no")}
    assert groups(miners) == {"io": (2,), "model-0": (0, 1)}


def test_engines_of_one_host_that_take_more_than_a_gpu_together_take_whole_ones() -> None:
    class Two(fakes.Works):
        other: fakes.Model = fakes.Model(name="other", wants_gpus=0.9)

    miners: dict[int, Miner] = {0: Two(engine=fakes.Model(wants_gpus=0.5))}
    assert plan(miners, 2).groups[0].gpus == 2.0


def test_miners_with_different_requirements_share_neither_hosts_nor_engines() -> None:
    a, fast = Requirements(labels={"zone": "a"}), Requirements(labels={"zone": "a"}, resources={"nvme": 1.0})
    model = fakes.Model()
    miners: dict[int, Miner] = {
        **{0: fakes.Says(), 1: fakes.Says(), 2: fakes.Works(), 3: fakes.Works(seed=3)},
        **{4: fakes.Works(engine=model), 5: fakes.Works(engine=model, seed=5), 6: fakes.Works(engine=model, seed=6)},
    }
    layout = plan(miners, lambda group, others: 1, requirements={1: a, 3: fast, 5: a, 6: a})
    assert {group.name: tuple(group.miners) for group in layout.groups} == {
        **{"io": (0,), "io@zone=a": (1,), "cpu": (2,), "cpu@zone=a,nvme=1": (3,)},
        **{"model-0": (4,), "model-1": (5, 6)},
    }
    assert layout.groups[3].needs == {"CPU": 1.0, "nvme": 1.0}
    assert layout.groups[5].requirements == a


def test_a_copycat_shares_its_victims_requirements_and_may_not_have_others() -> None:
    miners: dict[int, Miner] = {0: fakes.Says(), 1: fakes.Copies(victim=fakes.Says())}
    (group,) = plan(miners, 2, requirements={0: Requirements(labels={"zone": "a"})}).groups
    assert (group.name, tuple(group.miners)) == ("io@zone=a", (0, 1))
    with pytest.raises(PoolError, match="0 and 1 must share a host because of who copies whom, but require different"):
        plan(miners, 2, requirements={0: Requirements(labels={"zone": "a"}), 1: Requirements(labels={"zone": "b"})})
