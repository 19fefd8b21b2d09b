"""The scheduler over simulated hosts, in simulated time."""

from __future__ import annotations

import asyncio
import os
import selectors
from collections.abc import AsyncIterator, Coroutine, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cluster import HostDied, PoolError
from cluster.affinity import Affinity
from cluster.errors import NoRoom
from cluster.hosts.host import LINGER_S, EngineLost
from cluster.hosts.host_link import HostLink
from cluster.plan import Group, Plan, plan
from cluster.scheduling.host_group import MIN_SILENCE_S, HostGroup
from cluster.scheduling.scheduler import Scheduler
from cluster.scheduling.turns import HUNG_S
from miners import Miner
from subnets import Cost, Fault, Query, Response
from tests.cluster import fakes
from tests.cluster.fakes import query


class JumpingSelector(selectors.DefaultSelector):
    """Never waits: it advances the clock instead."""

    now = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        self.now += timeout or 0.0
        return super().select(0)


def run_simulated(test: Coroutine[Any, Any, None]) -> None:
    selector = JumpingSelector()
    loop = asyncio.SelectorEventLoop(selector)
    loop.time = lambda: selector.now  # type: ignore[method-assign]
    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        runner.run(test)


@dataclass
class Script:
    """What hosts do with a miner's query, by uid."""

    acts: dict[int, tuple[str, float]]
    starts: list[bool] = field(default_factory=list)
    """Whether each of the next starts succeeds; later ones all do."""
    died: set[int] = field(default_factory=set)
    log: list[tuple[str, int, str]] = field(default_factory=list)
    """Events in order: kind, uid, host."""
    start_s: float = 0.0


class FakeHost:
    """Serves in turn if it has one slot, and up to its slots at once otherwise."""

    def __init__(self, name: str, slots: int, script: Script) -> None:
        self.name, self.slots, self.script = name, slots, script
        self.busy = 0
        self.life = asyncio.Event()
        self.hung = False
        self.turn = asyncio.Lock()

    async def start(self) -> None:
        await asyncio.sleep(self.script.start_s)
        if self.script.starts and not self.script.starts.pop():
            raise PoolError("no room")
        self.life, self.hung, self.turn = asyncio.Event(), False, asyncio.Lock()

    async def serve(self, uids: Sequence[int], packed: Any) -> AsyncIterator[tuple[Response, ...]]:
        if self.slots > 1:
            async for responses in self.serve_at_once(uids):
                yield responses
            return
        life, turn = self.life, self.turn
        dead, waits = asyncio.create_task(life.wait()), asyncio.create_task(turn.acquire())
        try:
            await asyncio.wait({waits, dead}, return_when=asyncio.FIRST_COMPLETED)
            for uid in uids:
                if life.is_set():
                    raise HostDied(f"{self.name} died")
                async for responses in self.serve_at_once([uid]):
                    yield responses
        finally:
            dead.cancel()
            if waits.done() and not waits.cancelled():
                turn.release()
            waits.cancel()

    async def serve_at_once(self, uids: Sequence[int]) -> AsyncIterator[tuple[Response, ...]]:
        life = self.life
        self.busy += len(uids)
        assert self.busy <= self.slots
        waiting = {asyncio.create_task(self.act(uid, life)) for uid in uids}
        dead = asyncio.create_task(life.wait())
        try:
            while waiting:
                done, _ = await asyncio.wait({*waiting, dead}, return_when=asyncio.FIRST_COMPLETED)
                if life.is_set():
                    raise HostDied(f"{self.name} died")
                waiting -= done
                self.busy -= len(done)
                if responses := tuple(r for task in done for r in task.result()):
                    yield responses
        finally:
            self.busy -= len(waiting)
            dead.cancel()
            for task in waiting:
                task.cancel()

    async def act(self, uid: int, life: asyncio.Event) -> list[Response]:
        self.script.log.append(("start", uid, self.name))
        what, after_s = self.script.acts.get(uid, ("answer", 0.0))
        await asyncio.sleep(after_s)
        self.script.log.append(("end", uid, self.name))
        answer = Response(uid, body=self.name.encode())
        if what.endswith(" once"):
            what = "answer" if uid in self.script.died else what.removesuffix(" once")
            self.script.died.add(uid)
        match what:
            case "answer":
                return [answer]
            case "twice":
                return [answer, answer]
            case "stray":
                return [Response(999), answer]
            case "nothing":
                return []
            case "raise":
                raise ValueError("a fault of the link")
            case "lose":
                return [EngineLost(uid, fault=Fault.LOST, reason="no engine")]
            case "opening":
                return [EngineLost(uid, fault=Fault.LOST, reason="no engine", opening=True)]
            case "bomb":
                asyncio.get_running_loop().call_later(1.0, life.set)
                return [answer]
            case "die":
                life.set()
                await asyncio.sleep(0)
                return []
            case _:
                self.hung = True
                await asyncio.sleep(1e6)
                return []

    async def paid(self, pays: Sequence[Any], *, again: bool) -> None:
        if self.hung:
            await self.life.wait()
        if self.life.is_set():
            raise HostDied(f"{self.name} died")

    async def baseline(self, uid: int, queries: Sequence[Query]) -> list[Cost]:
        raise NotImplementedError

    async def cpu_s(self) -> float | None:
        return None

    async def close(self) -> None:
        self.life.set()


def scheduler(planned: Plan, script: Script, **options: Any) -> Scheduler:
    links = {
        group.name: [FakeHost(f"{group.name}-{number}", group.slots, script) for number in range(group.hosts)]
        for group in planned.groups
    }
    return Scheduler(planned, links, **options)


def ties(others: dict[int, tuple[int, ...]]) -> Affinity:
    return Affinity(after=others, same_host=others)


def one_group(miners: dict[int, Miner], *, hosts: int = 1, slots: int = 1) -> Plan:
    return Plan((Group("cpu", miners, hosts, slots, 1.0),))


ACTS = st.tuples(
    st.sampled_from(
        ["answer", "answer", "twice", "stray", "nothing", "raise", "die", "die once", "hang", "lose", "lose once"]
    ),
    st.sampled_from([0.0, 0.5, 3.0, 20.0]),
)


@given(
    acts=st.dictionaries(st.integers(0, 9), ACTS),
    starts=st.lists(st.booleans(), max_size=6),
    asked=st.lists(st.permutations(range(10)).map(lambda uids: uids[:7]), min_size=1, max_size=3),
    hosts=st.integers(1, 3),
    slots=st.integers(1, 4),
    deadline_s=st.sampled_from([None, 0.0, 1.0, 30.0]),
    retired=st.lists(st.tuples(st.sampled_from([0.0, 0.2, 4.0, 30.0]), st.integers(0, 2)), max_size=4),
    max_ahead=st.sampled_from([0, 1, 4]),
)
def test_every_query_has_exactly_one_response_in_order(
    acts: dict[int, tuple[str, float]],
    starts: list[bool],
    asked: list[list[int]],
    hosts: int,
    slots: int,
    deadline_s: float | None,
    retired: list[tuple[float, int]],
    max_ahead: int,
) -> None:
    async def test() -> None:
        miners: dict[int, Miner] = {uid: fakes.Works(seed=uid) for uid in range(9)}
        miners[9] = fakes.Copies(victim=fakes.Works(), seed=9)
        script = Script(acts, list(starts))
        planned = Plan((Group("cpu", miners, hosts, slots, 1.0),), ties({9: (3, 4)}))
        scheduling = scheduler(planned, script, max_ahead=max_ahead)
        loop = asyncio.get_running_loop()
        links = [slot.link for slot in scheduling._groups[0].slots]
        for at_s, number in retired:
            loop.call_later(at_s, scheduling.retire, links[number % hosts])
        answered = await asyncio.gather(
            *(scheduling.query(query(id=str(n)), uids, None, deadline_s) for n, uids in enumerate(asked))
        )
        if deadline_s is not None:
            assert loop.time() <= deadline_s + 0.1
        for uids, responses in zip(asked, answered, strict=True):
            assert [response.uid for response in responses] == uids
            for response in responses:
                what, after_s = acts.get(response.uid, ("answer", 0.0))
                assert (response.fault is None) == bool(response.body)
                if response.fault is None:
                    assert what in {"answer", "twice", "stray", "die once", "lose once"}
                elif deadline_s is None and not starts and "raise" not in {act for act, _ in acts.values()}:
                    assert what not in {"answer", "twice", "stray", "die once", "lose", "lose once"} or (
                        what == "lose" and response.fault is Fault.ERROR
                    ), response
                if response.fault is Fault.ERROR:
                    assert what in {"die", "lose"}
                if response.fault is Fault.TIMEOUT:
                    # At a deadline, what a host never told and what hung look alike.
                    assert what == "hang" or after_s > 5.0 or (what == "nothing" and deadline_s is not None)
        await asyncio.sleep(1000.0)
        (group,) = set(scheduling._groups.values())
        assert not group.running
        assert not group.waiting
        assert not group.quarantine
        assert all(slot.free == slots and not slot.pinned and not slot.quarantined for slot in group.slots)
        assert not any(slot.turns.queue for slot in group.slots)
        assert not any(slot.leaving for slot in group.slots)
        await scheduling.close()

    run_simulated(test())


@given(
    delays=st.lists(st.sampled_from([0.0, 0.1, 1.0]), min_size=6, max_size=6),
    order=st.permutations(range(6)),
    slots=st.integers(1, 3),
    max_ahead=st.sampled_from([0, 1, 4]),
)
def test_a_tied_query_is_served_after_the_other_on_the_same_host(
    delays: list[float], order: list[int], slots: int, max_ahead: int
) -> None:
    async def test() -> None:
        miners: dict[int, Miner] = {uid: fakes.Works(seed=uid) for uid in range(4)}
        script = Script({uid: ("answer", delay) for uid, delay in enumerate(delays)})
        miners |= {4: fakes.Says(seed=4), 5: fakes.Says(seed=5)}
        planned = Plan((Group("cpu", miners, 3, slots, 1.0),), ties({4: (2,), 5: (4,)}))
        responses = await scheduler(planned, script, max_ahead=max_ahead).query(query(), order, None)
        assert [response.fault for response in responses] == [None] * 6
        where = {uid: host for event, uid, host in script.log if event == "start"}
        assert where[2] == where[4] == where[5]
        moments = {(event, uid): place for place, (event, uid, _) in enumerate(script.log)}
        assert moments["end", 2] < moments["start", 4]
        assert moments["end", 4] < moments["start", 5]

    run_simulated(test())


def test_a_query_that_only_comes_after_another_may_be_served_on_any_host_of_another_group() -> None:
    async def test() -> None:
        script = Script({0: ("answer", 3.0)})
        first, second = Group("io", {0: fakes.Says()}, 1, 4), Group("cpu", {1: fakes.Works()}, 1, 1, 1.0)
        planned = Plan((first, second), Affinity(after={1: (0,)}))
        responses = await scheduler(planned, script).query(query(), (0, 1), None)
        assert [response.fault for response in responses] == [None, None]
        assert [(event, uid, host) for event, uid, host in script.log] == [
            *(("start", 0, "io-0"), ("end", 0, "io-0")),
            *(("start", 1, "cpu-0"), ("end", 1, "cpu-0")),
        ]

    run_simulated(test())


def test_what_waits_is_served_by_priority_then_by_arrival() -> None:
    class Ranked(fakes.Says):
        rank: float = 0.0

        def priority(self, query: Query) -> float:
            if self.rank < 0:
                raise ValueError("no idea")
            return self.rank

    async def test() -> None:
        ranks = [0.0, 2.0, -1.0, float("inf"), 1.0]
        miners: dict[int, Miner] = {uid: Ranked.model_construct(rank=rank) for uid, rank in enumerate(ranks)}
        script = Script({})
        await scheduler(one_group(miners), script).query(query(), range(5), None)
        assert [uid for event, uid, _ in script.log if event == "start"] == [1, 4, 0, 2, 3]

    run_simulated(test())


def test_isolated_miners_of_others_are_ranked_by_stake_without_calling_them() -> None:
    class Exits(fakes.Says):
        def priority(self, query: Query) -> float:
            os._exit(3)

    async def test() -> None:
        miners: dict[int, Miner] = {uid: Exits.model_construct() for uid in range(3)}
        script = Script({})
        isolated = scheduler(one_group(miners), script, isolate=True)
        stakes = (3.0, 1.0, 5.0)
        queries = [replace(query(), caller=replace(query().caller, stake=stake)) for stake in stakes]
        await asyncio.gather(*(isolated.query(own, (uid,), None) for uid, own in enumerate(queries)))
        assert [uid for event, uid, _ in script.log if event == "start"] == [0, 2, 1]

    run_simulated(test())


def test_a_batch_goes_to_the_least_busy_hosts() -> None:
    async def test() -> None:
        script = Script({uid: ("answer", 1.0) for uid in range(6)})
        miners: dict[int, Miner] = {uid: fakes.Works(seed=uid) for uid in range(6)}
        await scheduler(one_group(miners, hosts=3, slots=4), script).query(query(), range(6), None)
        hosts = [host for event, _, host in script.log if event == "start"]
        assert sorted(hosts) == ["cpu-0", "cpu-0", "cpu-1", "cpu-1", "cpu-2", "cpu-2"]

    run_simulated(test())


def test_a_miner_that_kills_or_hangs_its_host_is_blamed_and_nobody_else() -> None:
    async def test() -> None:
        miners: dict[int, Miner] = {uid: fakes.Works(seed=uid) for uid in range(6)}
        script = Script({1: ("die", 1.0), 0: ("hang", 0.0), **{uid: ("answer", 2.0) for uid in range(2, 6)}})
        hung, dead, *others = await scheduler(one_group(miners, slots=6), script).query(query(), range(6), None)
        assert (hung.fault, hung.reason) == (Fault.TIMEOUT, "no answer within 5 s, and host cpu-0 hung")
        assert (dead.fault, dead.reason) == (Fault.ERROR, "its host died while serving it alone")
        assert [response.fault for response in others] == [None] * 4

    run_simulated(test())


@pytest.mark.parametrize("hosts", [1, 2])
def test_a_killer_among_hundreds_is_found_in_few_deaths(hosts: int) -> None:
    async def test() -> None:
        miners: dict[int, Miner] = {uid: fakes.Works(seed=uid) for uid in range(256)}
        script = Script({uid: ("answer", 1.0) for uid in range(256)} | {77: ("die", 0.5)})
        scheduling = scheduler(one_group(miners, hosts=hosts, slots=1024), script)
        responses = await scheduling.query(query(), range(256), None)
        assert [response.uid for response in responses if response.fault is not None] == [77]
        assert scheduling._deaths <= 11
        assert asyncio.get_running_loop().time() < 40.0

    run_simulated(test())


def test_a_miner_that_an_engine_dies_of_is_blamed_and_nobody_else() -> None:
    async def test() -> None:
        miners: dict[int, Miner] = {uid: fakes.Works(seed=uid) for uid in range(8)}
        script = Script({uid: ("lose once", 0.5) for uid in range(8)} | {5: ("lose", 0.5)})
        responses = await scheduler(one_group(miners, slots=8), script).query(query(), range(8), None)
        assert [response.fault for response in responses] == [None] * 5 + [Fault.ERROR] + [None] * 2
        assert responses[5].reason == "its engine died while serving it alone: no engine"
        assert type(responses[5]) is Response

    run_simulated(test())


def test_an_engine_that_opens_longer_than_a_query_may_take_is_waited_for_but_not_forever() -> None:
    async def test() -> None:
        miners: dict[int, Miner] = {0: fakes.Works(), 1: fakes.Works(seed=1)}
        script = Script({0: ("opening", 5.0), 1: ("answer", 1.0)})
        loop = asyncio.get_running_loop()
        loop.call_later(60.0, script.acts.update, {0: ("answer", 0.0)})
        scheduling = scheduler(one_group(miners), script, reopening_s=600.0)
        assert [response.fault for response in await scheduling.query(query(), (0, 1), None)] == [None, None]
        script.acts[0], began = ("opening", 5.0), loop.time()
        assert [response.fault for response in await scheduling.query(query(), (0, 1), None)] == [Fault.LOST, None]
        assert 600.0 <= loop.time() - began < 620.0

    run_simulated(test())


def test_a_host_that_waits_for_an_engine_before_a_query_that_takes_its_whole_time_is_not_hung() -> None:
    async def test() -> None:
        # 5 s for the engine, 10 s for the query beside one that holds the loop, and what a host may be silent.
        script = Script({0: ("answer", 5.0 + 10.0 + LINGER_S + 9.0)})
        (response,) = await scheduler(one_group({0: fakes.Works()}), script).query(query(timeout_s=5.0), (0,), None)
        assert response.fault is None

    run_simulated(test())


def test_a_host_killed_from_outside_costs_nobody_anything() -> None:
    async def test() -> None:
        miners: dict[int, Miner] = {uid: fakes.Works(seed=uid) for uid in range(3)}
        scheduling = scheduler(one_group(miners), Script({0: ("die once", 0.5)}))
        responses = await scheduling.query(query(), range(3), None)
        assert [response.fault for response in responses] == [None] * 3

    run_simulated(test())


def test_a_retired_host_finishes_what_it_has_and_is_restarted_and_nobody_is_asked_twice() -> None:
    async def test() -> None:
        miners: dict[int, Miner] = {uid: fakes.Works(seed=uid) for uid in range(8)}
        script = Script({uid: ("answer", 2.0) for uid in miners}, start_s=5.0)
        scheduling = scheduler(one_group(miners, hosts=2), script)
        asyncio.get_running_loop().call_later(1.0, scheduling.retire, scheduling._groups[0].slots[0].link)
        responses = await scheduling.query(query(), range(8), None)
        assert [response.fault for response in responses] == [None] * 8
        assert sorted(uid for event, uid, _ in script.log if event == "start") == list(range(8))
        ended = [host for event, _, host in script.log if event == "end"]
        assert (sorted(ended[:2]), ended[2:]) == (["cpu-0", "cpu-1"], ["cpu-1"] * 3 + ["cpu-0", "cpu-1", "cpu-0"])

    run_simulated(test())


def test_queries_on_a_leaving_host_whose_machine_is_gone_are_retried_and_nobody_is_blamed() -> None:
    async def test() -> None:
        script = Script({0: ("answer", 3.0)})
        scheduling = scheduler(one_group({0: fakes.Works()}), script)
        link, loop = scheduling._groups[0].slots[0].link, asyncio.get_running_loop()
        for at_s in (1.0, 3.0, 5.0):
            loop.call_later(at_s, scheduling.retire, link)
            loop.call_later(at_s + 1.0, lambda: link.life.set())  # type: ignore[attr-defined]
        (response,) = await scheduling.query(query(), (0,), None)
        assert response.fault is None
        assert [event for event, _, _ in script.log] == ["start"] * 4 + ["end"]

    run_simulated(test())


def test_queries_on_a_leaving_host_whose_machine_freezes_are_retried() -> None:
    async def test() -> None:
        script = Script({0: ("hang once", 0.0)})
        scheduling = scheduler(one_group({0: fakes.Works()}), script)
        link = scheduling._groups[0].slots[0].link
        asyncio.get_running_loop().call_later(1.0, scheduling.retire, link)
        (response,) = await scheduling.query(query(), (0,), None)
        assert response.fault is None

    run_simulated(test())


def test_a_group_whose_only_host_waits_for_a_machine_keeps_its_queries() -> None:
    async def test() -> None:
        script = Script({}, start_s=600.0)
        scheduling = scheduler(one_group({0: fakes.Works()}), script)
        scheduling.retire(scheduling._groups[0].slots[0].link)
        (response,) = await scheduling.query(query(), (0,), None)
        assert (response.fault, asyncio.get_running_loop().time()) == (None, 600.0)

    run_simulated(test())


def test_nobody_is_blamed_for_a_host_that_dies_of_what_another_miner_left_behind() -> None:
    async def test() -> None:
        miners: dict[int, Miner] = {0: fakes.Works(), 1: fakes.Works(seed=1)}
        scheduling = scheduler(one_group(miners), Script({0: ("bomb", 0.0), 1: ("answer", 3.0)}))
        for number in range(3):
            responses = await scheduling.query(query(id=str(number)), (0, 1), None)
            assert [response.fault for response in responses] == [None, None]

    run_simulated(test())


def test_queries_of_a_group_whose_hosts_cannot_restart_are_lost_at_once_with_the_reason() -> None:
    async def test() -> None:
        miners: dict[int, Miner] = {uid: fakes.Works(seed=uid) for uid in range(3)}
        scheduling = scheduler(one_group(miners), Script({0: ("die", 0.0)}, [False] * 9), max_restarts=3)
        first = await scheduling.query(query(), range(3), None)
        started = asyncio.get_running_loop().time()
        second = await scheduling.query(query(), (2,), None)
        assert asyncio.get_running_loop().time() == started
        assert [response.fault for response in [*first, *second]] == [Fault.LOST] * 4
        assert second[0].reason == "group cpu has no host left, after 3 restarts: no room"

    run_simulated(test())


def test_a_host_for_which_no_machine_has_room_is_given_up_without_another_try() -> None:
    async def test() -> None:
        async def start(link: HostLink) -> None:
            raise NoRoom("cpu-0 needs 1 GPU; the cluster has 0 GPU")

        scheduling = scheduler(one_group({0: fakes.Works()}), Script({0: ("die", 0.0)}), start=start)
        (response,) = await scheduling.query(query(), (0,), None)
        assert response.fault is Fault.LOST
        assert response.reason == (
            "group cpu has no host left, after 1 restart: cpu-0 needs 1 GPU; the cluster has 0 GPU"
        )

    run_simulated(test())


def test_a_host_whose_killer_is_known_is_restarted_forever() -> None:
    async def test() -> None:
        miners: dict[int, Miner] = {0: fakes.Works(), 1: fakes.Works(seed=1)}
        scheduling = scheduler(one_group(miners), Script({0: ("die", 0.0)}), max_restarts=1)
        for number in range(20):
            responses = await scheduling.query(query(id=str(number)), (0, 1), None)
            assert [response.fault for response in responses] == [Fault.ERROR, None]

    run_simulated(test())


def test_a_lone_miner_that_hangs_its_host_has_timed_out_and_the_host_is_restarted() -> None:
    async def test() -> None:
        miners: dict[int, Miner] = {0: fakes.Works(), 1: fakes.Works(seed=1)}
        script = Script({0: ("hang", 0.0)})
        hung, served = await scheduler(one_group(miners), script).query(query(), (0, 1), None)
        assert (hung.fault, hung.reason) == (Fault.TIMEOUT, "no answer within 5 s, and host cpu-0 hung")
        assert served.fault is None

    run_simulated(test())


def test_the_deadline_blames_only_miners_that_had_the_whole_time() -> None:
    async def test() -> None:
        miners: dict[int, Miner] = {uid: fakes.Works(seed=uid) for uid in range(3)}
        script = Script({0: ("hang", 0.0), 1: ("answer", 4.0), 2: ("hang", 0.0)})
        scheduling = scheduler(one_group(miners, hosts=2), script)
        late, served, cut = await scheduling.query(query(timeout_s=5.0), (0, 1, 2), None, 6.0)
        assert (late.fault, late.reason) == (Fault.TIMEOUT, "no answer within 5 s")
        assert served.fault is None
        assert (cut.fault, cut.reason) == (Fault.LOST, "cut off after 2 of its 5 s, at the deadline of 6 s")

    run_simulated(test())


@pytest.mark.parametrize("gives_up_after_s", [None, 1.0])
def test_a_host_that_hangs_when_nobody_waits_for_it_any_more_is_restarted(gives_up_after_s: float | None) -> None:
    async def test() -> None:
        script = Script({0: ("hang", 0.0), 1: ("answer", 1.0)})
        scheduling = scheduler(one_group({0: fakes.Works(), 1: fakes.Works(seed=1)}, slots=2), script)
        (slot,) = scheduling.host_groups()["cpu"].slots
        for uid, restarts in ((1, 0), (0, 1), (1, 1)):
            with suppress(TimeoutError):
                async with asyncio.timeout(gives_up_after_s):
                    await scheduling.query(query(timeout_s=5.0), (uid,), None, 5.0)
            await asyncio.sleep(MIN_SILENCE_S + LINGER_S + HUNG_S + 0.1)
            assert (slot.restarts, slot.up, slot.free) == (restarts, True, 2)

    run_simulated(test())


def test_settling_waits_for_a_host_that_may_hang() -> None:
    async def test() -> None:
        scheduling = scheduler(one_group({0: fakes.Works()}), Script({0: ("hang", 0.0)}))
        (slot,) = scheduling.host_groups()["cpu"].slots
        await scheduling.query(query(timeout_s=1.0), (0,), None, 1.0)
        assert (slot.restarts, slot.up) == (0, True)
        await scheduling.settle()
        assert (slot.restarts, slot.up) == (1, True)

    run_simulated(test())


def test_a_host_that_a_miner_holds_within_its_time_is_not_hung_when_another_query_is_cancelled() -> None:
    async def test() -> None:
        script = Script({0: ("hang", 0.0)})
        scheduling = scheduler(one_group({0: fakes.Works(), 1: fakes.Works(seed=1)}, slots=2), script)
        (slot,) = scheduling.host_groups()["cpu"].slots
        slow = asyncio.create_task(scheduling.query(query(timeout_s=60.0), (0,), None))
        script.acts[1] = ("hang", 0.0)
        await scheduling.query(query(timeout_s=5.0), (1,), None, 5.0)
        await asyncio.sleep(180.0)  # thrice its time: others might have held the host before it
        assert slot.restarts == 0
        await asyncio.sleep(20.0)
        assert slot.restarts == 1
        slow.cancel()

    run_simulated(test())


def test_waiting_queries_are_not_lost_to_one_that_may_take_longer_and_does() -> None:
    async def test() -> None:
        miners: dict[int, Miner] = {uid: fakes.Works(seed=uid) for uid in range(3)}
        scheduling = scheduler(one_group(miners), Script({0: ("answer", 110.0)}))
        slow = asyncio.create_task(scheduling.query(query(timeout_s=120.0), (0,), None))
        await asyncio.sleep(1.0)
        responses = await scheduling.query(query(id="2", timeout_s=5.0), (1, 2), None)
        assert [response.fault for response in [*await slow, *responses]] == [None] * 3

    run_simulated(test())


def test_waiting_for_a_place_is_not_latency() -> None:
    async def test() -> None:
        miners: dict[int, Miner] = {uid: fakes.Works(seed=uid) for uid in range(3)}
        script = Script({uid: ("answer", 2.0) for uid in range(3)})
        responses = await scheduler(one_group(miners), script).query(query(), range(3), None)
        assert [response.waited_s for response in responses] == [0.0, 2.0, 4.0]

    run_simulated(test())


def test_slow_miners_all_get_their_turn_before_the_default_deadline() -> None:
    async def test() -> None:
        miners: dict[int, Miner] = {uid: fakes.Works(seed=uid) for uid in range(40)}
        script = Script({uid: ("answer", 5.0) for uid in range(40)})
        scheduling = scheduler(one_group(miners, hosts=2), script)
        answered = await asyncio.gather(*(scheduling.query(query(id=str(n)), range(40), None) for n in range(3)))
        assert {response.fault for responses in answered for response in responses} == {None}

    run_simulated(test())


def test_a_cancelled_query_frees_its_places() -> None:
    async def test() -> None:
        miners: dict[int, Miner] = {0: fakes.Works(), 1: fakes.Works(seed=1)}
        scheduling = scheduler(one_group(miners), Script({0: ("hang", 0.0)}))
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(scheduling.query(query(), (0, 1), None), 1.0)
        (served,) = await scheduling.query(query(), (1,), None)
        assert served.fault is None

    run_simulated(test())


def test_asking_twice_for_one_miner_asks_it_once() -> None:
    async def test() -> None:
        script = Script({})
        responses = await scheduler(plan({0: fakes.Says()}, 1), script).query(query(), (0, 0), None)
        assert [response.uid for response in responses] == [0, 0]
        assert [event for event, _, _ in script.log] == ["start", "end"]
        assert await scheduler(plan({0: fakes.Says()}, 1), script).query(query(), (), None) == []

    run_simulated(test())


def given_ahead(acts: dict[int, tuple[str, float]], *, hosts: int = 1) -> tuple[Scheduler, Script, HostGroup]:
    """Return a scheduler that gives hosts up to eight queries ahead, and its only group."""
    miners: dict[int, Miner] = {uid: fakes.Works(seed=uid) for uid in range(40)}
    script = Script(acts)
    scheduling = scheduler(one_group(miners, hosts=hosts), script, max_ahead=8)
    group = scheduling.host_groups()["cpu"]
    group.service_s = 0.0
    return scheduling, script, group


def test_a_host_that_serves_in_turn_is_given_queries_ahead_but_none_that_another_could_begin_sooner() -> None:
    async def test() -> None:
        scheduling, _, group = given_ahead({uid: ("answer", 1.0) for uid in range(40)}, hosts=2)
        asking = asyncio.create_task(scheduling.query(query(), range(14), None))
        await asyncio.sleep(0.5)
        assert [len(slot.turns.queue) for slot in group.slots] == [6, 6]
        assert (len(group.waiting), group.queued) == (2, 12)
        await asking
        assert asyncio.get_running_loop().time() == 7.0

    run_simulated(test())


def test_slow_queries_are_hardly_given_ahead() -> None:
    async def test() -> None:
        scheduling, _, group = given_ahead({uid: ("answer", 1.0) for uid in range(40)})
        for latency_s, ahead in ((0.0, 8), (0.005, 4), (0.3, 1)):
            group.service_s = latency_s
            assert group.ahead == ahead
        await scheduling.close()

    run_simulated(test())


def test_of_the_queries_that_a_host_was_given_only_the_one_it_served_is_suspected_when_it_dies() -> None:
    async def test() -> None:
        acts = {uid: ("answer", 1.0) for uid in range(40)} | {2: ("die", 0.5)}
        scheduling, script, group = given_ahead(acts)
        responses = await scheduling.query(query(), range(9), None)
        assert [response.uid for response in responses if response.fault is not None] == [2]
        assert responses[2].reason == "its host died while serving it alone"
        starts = [uid for event, uid, _ in script.log if event == "start"]
        assert sorted(starts) == sorted([*range(9), 2])
        assert group.slots[0].restarts == 2

    run_simulated(test())


def test_a_query_that_was_given_ahead_is_not_blamed_for_the_death_of_its_host_before_its_turn() -> None:
    async def test() -> None:
        scheduling, script, group = given_ahead({uid: ("answer", 1.0) for uid in range(40)})
        link, loop = group.slots[0].link, asyncio.get_running_loop()
        for at_s in (0.2, 3.0, 6.0, 9.0):
            loop.call_later(at_s, lambda: link.life.set())  # type: ignore[attr-defined]
        responses = await scheduling.query(query(), range(9), None)
        assert [response.fault for response in responses] == [None] * 9

    run_simulated(test())


def test_a_host_hangs_if_one_query_takes_too_long_not_if_many_in_turn_do() -> None:
    async def test() -> None:
        acts = {uid: ("answer", 5.0) for uid in range(40)} | {8: ("hang", 0.0)}
        scheduling, script, group = given_ahead(acts)
        responses = await scheduling.query(query(timeout_s=5.0), range(12), None)
        assert [response.fault for response in responses] == [None] * 8 + [Fault.TIMEOUT] + [None] * 3
        assert responses[8].reason == "no answer within 5 s, and host cpu-0 hung"
        assert [uid for event, uid, _ in script.log if event == "start"].count(8) == 1
        assert group.slots[0].restarts == 1

    run_simulated(test())


def test_a_query_that_was_given_ahead_and_not_begun_at_the_deadline_is_lost() -> None:
    async def test() -> None:
        scheduling, _, _ = given_ahead({uid: ("answer", 4.0) for uid in range(40)})
        first, second, third = await scheduling.query(query(timeout_s=5.0), (0, 1, 2), None, 6.0)
        assert first.fault is None
        assert second.reason == "cut off after 2 of its 5 s, at the deadline of 6 s"
        assert third.reason == "not started within 6 s"

    run_simulated(test())


def test_waiting_for_a_turn_on_a_host_is_not_latency() -> None:
    async def test() -> None:
        scheduling, _, _ = given_ahead({uid: ("answer", 2.0) for uid in range(40)})
        responses = await scheduling.query(query(), range(4), None)
        assert [response.waited_s for response in responses] == [0.0, 2.0, 4.0, 6.0]

    run_simulated(test())


def test_a_cancelled_query_makes_room_for_those_behind_it_on_its_host() -> None:
    async def test() -> None:
        scheduling, script, group = given_ahead({uid: ("answer", 3.0) for uid in range(40)})
        with suppress(TimeoutError):
            async with asyncio.timeout(1.0):
                await scheduling.query(query(), range(6), None)
        responses = await scheduling.query(query(id="2"), (7, 8), None)
        assert [response.fault for response in responses] == [None, None]
        assert {uid for event, uid, _ in script.log if event == "start"} == {0, 7, 8}
        assert (group.slots[0].free, len(group.slots[0].turns.queue)) == (1, 0)

    run_simulated(test())
