"""One host without a pool: whatever a miner does becomes a response."""

import asyncio
import gc
import re
import time
from pathlib import Path

import pytest

from cluster.hosts.host import Host
from miners import Miner
from subnets import Answer, Caller, Fault, Response
from subnets.task import Query
from tests.cluster import fakes
from tests.cluster.conftest import until
from tests.cluster.fakes import query


async def served(miner: Miner, asked: Query | None = None) -> Response:
    host = Host("test", {3: miner})
    await host.open()
    return await host.serve(3, asked or query())


async def test_an_answer_arrives_encoded_timed_and_metered() -> None:
    response = await served(fakes.Works(engine=fakes.Core(busy_s=0.1)))
    assert (response.uid, response.fault, response.body) == (3, None, b'{"text":"say it"}')
    assert 0.1 <= response.latency_s < 1.0
    assert 0.1 <= response.cost.cpu_s < 0.2


@pytest.mark.parametrize(
    ("miner", "fault", "reason"),
    [
        (fakes.Raises(), Fault.ERROR, "ValueError: what a pity"),
        (fakes.Exits(), Fault.ERROR, "SystemExit: 3"),
        (fakes.CancelsItself(), Fault.ERROR, "CancelledError: the miner cancelled its own work"),
        (fakes.Refuses(), Fault.REFUSED, "no validator permit"),
        (fakes.Returns(what="number"), Fault.MALFORMED, "the miner returned int; an Answer or bytes are allowed"),
        (fakes.Returns(what="nothing"), Fault.MALFORMED, "the miner returned NoneType; an Answer or bytes are allowed"),
        (fakes.Returns(what="exit"), Fault.MALFORMED, "the answer can't be encoded: SystemExit: 3"),
        (fakes.Returns(what="huge"), Fault.MALFORMED, "50,000,000 bytes; at most 8,000,000 are carried"),
    ],
)
async def test_every_failure_is_a_fault_with_its_reason(miner: Miner, fault: Fault, reason: str) -> None:
    response = await served(miner)
    assert (response.fault, response.reason, response.body) == (fault, reason, b"")


async def test_an_event_loop_that_ends_before_a_miner_has_begun_leaves_nothing_unawaited() -> None:
    host = Host("test", {3: fakes.Says()})
    await host.open()
    serving = asyncio.create_task(host.serve(3, query()))
    await asyncio.sleep(0)
    begun = asyncio.all_tasks() - {asyncio.current_task()}
    assert len(begun) == 2, "the query, and the miner's work, not stepped yet"
    for task in begun:
        task.cancel()
    await asyncio.wait(begun)
    assert serving.cancelled()
    del serving, begun, task
    gc.collect()  # what was never awaited warns now, and a warning fails


async def test_text_that_is_not_unicode_is_malformed() -> None:
    response = await served(fakes.Returns(what="surrogate"))
    assert response.fault is Fault.MALFORMED
    assert response.reason.startswith("the answer can't be encoded: PydanticSerializationError")


async def test_bytes_are_carried_as_they_are() -> None:
    assert (await served(fakes.Returns(what="bytes"))).body == b"\xff\xfe not JSON"


async def test_a_slow_miner_times_out_and_is_cancelled(tmp_path: Path) -> None:
    started = time.perf_counter()
    response = await served(fakes.Sleeps(note=str(tmp_path / "note")), query(timeout_s=0.2))
    assert (response.fault, response.reason) == (Fault.TIMEOUT, "no answer within 0.2 s")
    assert 0.2 <= response.latency_s <= time.perf_counter() - started < 30.0
    assert (tmp_path / "note").read_text() == "cancelled"


async def test_a_miner_that_ignores_its_cancellation_does_not_keep_its_host(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cluster.hosts.host.LINGER_S", 0.2)
    started = time.perf_counter()
    response = await served(fakes.Sleeps(stubborn=True), query(timeout_s=0.1))
    assert response.fault is Fault.TIMEOUT
    assert time.perf_counter() - started < 30.0


async def test_cancelling_the_query_cancels_the_miner(tmp_path: Path) -> None:
    note = tmp_path / "note"
    work = asyncio.create_task(served(fakes.Sleeps(note=str(note)), query(timeout_s=50.0)))
    await asyncio.to_thread(until, note.exists)
    work.cancel()
    await asyncio.to_thread(until, lambda: note.read_text() == "cancelled")
    with pytest.raises(asyncio.CancelledError):
        await work


async def test_nothing_that_a_miner_does_to_its_query_is_seen_by_another() -> None:
    asked = query(image=b"picture")
    host = Host("test", {0: fakes.Meddles(), 1: fakes.Says()})
    await host.serve(0, asked)
    assert asked == query(image=b"picture")
    assert (await host.serve(1, asked)).body == b'{"text":"say it"}'


async def test_a_sleeper_next_to_miners_that_block_the_loop_is_as_slow_as_alone() -> None:
    miners: dict[int, Miner] = {uid: fakes.Holds(for_s=0.2, seed=uid) for uid in range(4)}
    host = Host("test", {**miners, 4: fakes.Sleeps(for_s=0.6)})
    responses = await asyncio.gather(*(host.serve(uid, query()) for uid in range(5)))
    assert all(response.latency_s >= 0.2 for response in responses)
    assert responses[4].latency_s >= 0.6


async def test_the_time_that_a_neighbour_holds_the_loop_puts_off_the_timeout_and_counts_as_latency() -> None:
    host = Host("test", {0: fakes.Holds(for_s=0.6), 1: fakes.Sleeps(for_s=0.2), 2: fakes.Sleeps(for_s=1.1)})
    asked = query(timeout_s=1.0)
    waited, in_credit, held = await asyncio.gather(*(host.serve(uid, asked) for uid in (1, 2, 0)))
    assert (held.fault, waited.fault, in_credit.fault) == (None, None, None)
    assert waited.latency_s >= 0.6
    assert in_credit.latency_s >= 1.1


async def test_a_miner_that_holds_the_loop_beyond_the_timeout_has_timed_out_and_its_neighbours_are_lost() -> None:
    host = Host("test", {0: fakes.Holds(for_s=0.9), 1: fakes.Sleeps(for_s=0.1), 2: fakes.Sleeps(for_s=0.2)})
    asked = query(timeout_s=0.3)
    *others, held = await asyncio.gather(*(host.serve(uid, asked) for uid in (1, 2, 0)))
    assert (held.fault, held.reason, held.body) == (Fault.TIMEOUT, "no answer within 0.3 s", b"")
    assert held.latency_s >= 0.9
    assert [response.fault for response in others] == [Fault.LOST, Fault.LOST]
    match = re.fullmatch(r"other miners held the event loop for ([\d.]+) s", others[0].reason)
    assert match is not None and float(match[1]) >= 0.9


async def test_holding_the_loop_in_a_task_of_its_own_counts_as_the_miners() -> None:
    host = Host("test", {0: fakes.Delegates(for_s=0.9), 1: fakes.Sleeps(for_s=0.1)})
    asked = query(timeout_s=0.3)
    other, held = await asyncio.gather(host.serve(1, asked), host.serve(0, asked))
    assert (other.fault, held.fault) == (Fault.LOST, Fault.TIMEOUT)


async def test_work_in_a_task_of_its_own_is_metered_once_and_as_the_miners() -> None:
    host = Host("test", {0: fakes.Delegates(for_s=0.2, how="burn"), 1: fakes.Sleeps(for_s=0.1)})
    worked, idle = await asyncio.gather(host.serve(0, query()), host.serve(1, query()))
    assert 0.2 <= worked.cost.cpu_s < 0.25
    assert idle.cost.cpu_s < 0.05


async def test_a_task_of_a_miner_that_exits_ends_no_host() -> None:
    response = await served(fakes.Delegates(how="exit"))
    assert (response.fault, response.reason) == (Fault.ERROR, "RuntimeError: SystemExit: 3")


async def test_a_task_that_is_cancelled_before_it_began_leaves_nothing_unawaited() -> None:
    class Hasty(fakes.Says):
        async def forward(self, query: Query) -> Answer | bytes:
            asyncio.create_task(asyncio.sleep(1.0)).cancel()
            await asyncio.sleep(0.01)
            return await super().forward(query)

    assert (await served(Hasty())).fault is None
    gc.collect()


async def test_a_late_answer_of_a_victim_is_not_given_to_its_copycat() -> None:
    victim = fakes.Holds(for_s=0.4)
    host = Host("test", {0: victim, 1: fakes.Copies(victim=victim)})
    asked = query(timeout_s=0.2)
    assert (await host.serve(0, asked)).fault is Fault.TIMEOUT
    assert (await host.serve(1, asked)).reason == "LookupError: the victim gave no answer"


async def test_miners_with_equal_engines_share_one_and_hosts_do_not() -> None:
    host = Host("test", {0: fakes.Works(), 1: fakes.Works(seed=1), 2: fakes.Works(engine=fakes.Core(busy_s=0.1))})
    engines = [miner.engine for miner in host._miners.values() if isinstance(miner, fakes.Works)]
    assert engines[0] is engines[1]
    assert engines[0] is not engines[2]


async def test_a_copycat_gets_the_answer_that_its_victim_gave() -> None:
    victim = fakes.Draws(seed=5)
    host = Host("test", {0: victim, 1: fakes.Copies(victim=fakes.Draws())})
    first, copied = await host.serve(0, query(id="x")), await host.serve(1, query(id="x"))
    assert first.body == copied.body == b'{"text":"5 x"}'


async def test_a_copycat_waits_for_an_answer_that_is_being_given_and_is_as_slow() -> None:
    victim = fakes.Sleeps(for_s=0.3)
    host = Host("test", {0: victim, 1: fakes.Copies(victim=victim)})
    first, copied = await asyncio.gather(host.serve(0, query()), host.serve(1, query()))
    assert first.body == copied.body
    assert copied.latency_s >= 0.1
    later = await host.serve(1, query())
    assert later.latency_s >= 0.29


async def test_a_copycat_of_a_failing_victim_fails_too() -> None:
    host = Host("test", {0: fakes.Raises(), 1: fakes.Copies(victim=fakes.Raises())})
    await host.serve(0, query())
    response = await host.serve(1, query())
    assert (response.fault, response.reason) == (Fault.ERROR, "LookupError: the victim gave no answer")


async def test_a_copycat_whose_victim_was_not_asked_does_its_work() -> None:
    response = await served(fakes.Copies(victim=fakes.Draws(seed=2)), query(id="x"))
    assert response.body == b'{"text":"2 x"}'


async def test_a_failing_engine_closes_those_that_were_open() -> None:
    host = Host("test", {0: fakes.Works(), 1: fakes.Works(engine=fakes.Unopenable())})
    with pytest.raises(FileNotFoundError):
        await host.open()


async def test_a_permitted_caller_is_served() -> None:
    asked = Query("q", "words", query().prompt, 5.0, Caller(validator_permit=True))
    assert (await served(fakes.Refuses(), asked)).fault is None
