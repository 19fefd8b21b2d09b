import asyncio
import math
import os
import re
import signal
import time
from typing import Any

import pytest

from cluster.hosts.host import Host
from inference.errors import PromptError
from miners.engines.completion import Completion, Request
from miners.engines.transformers import Transformers
from miners.engines.vllm import VLLM
from miners.errors import EngineDied, EngineError
from miners.prompted import LanguageModel
from subnets import Cost, Fault, Message, Meter, Prompt, Query
from tests.miners.engines.loop import Loop
from tests.miners.language_models import CAPITAL, MODEL, STORY, ask, metered

pytestmark = pytest.mark.models


def test_it_answers_as_the_same_weights_do_in_transformers(
    vllm_engine: VLLM, transformers_engine: Transformers, loop: Loop
) -> None:
    requests = [ask(CAPITAL, max_tokens=8, logprobs=2), ask("Name three colours.", max_tokens=8, logprobs=2)]
    here, there = (loop.run(engine.generate(requests)) for engine in (vllm_engine, transformers_engine))
    for one, other in zip(here, there, strict=True):
        assert (one.text, one.token_ids, one.usage.input_tokens) == (
            other.text,
            other.token_ids,
            other.usage.input_tokens,
        )
        assert one.logprobs == pytest.approx(other.logprobs, abs=0.01)
        for mine, theirs in zip(one.likeliest, other.likeliest, strict=True):
            assert list(mine) == list(theirs)


def test_seeds_and_stop_strings_are_the_requests_own(vllm_engine: VLLM, loop: Loop) -> None:
    def request(seed: int) -> Request:
        return ask(STORY, max_tokens=10, temperature=0.9, seed=seed)

    first, again, other = loop.run(vllm_engine.generate([request(1), request(1), request(2)]))
    assert first.text == again.text != other.text
    [stopped] = loop.run(vllm_engine.generate([ask(CAPITAL, stop=(" Paris",))]))
    assert (stopped.text, stopped.finish) == ("The capital of France is", "stop")


def test_thinking_that_the_template_begins_is_no_answer_and_is_metered(
    vllm_engine: VLLM, loop: Loop, monkeypatch: pytest.MonkeyPatch
) -> None:
    template = vllm_engine._tokenizer.chat_template
    thinks = template.replace("<|im_start|>assistant\n", "<|im_start|>assistant\n<think>\n")
    assert template != thinks
    monkeypatch.setattr(vllm_engine._tokenizer, "chat_template", thinks)
    [answer] = loop.run(vllm_engine.generate([ask(CAPITAL, max_tokens=6)]))
    assert (answer.text, answer.finish) == ("", "length")
    assert 4 <= answer.usage.thinking_tokens <= answer.usage.output_tokens == 6


def test_many_long_prompts_are_sampled_at_once(vllm_engine: VLLM, loop: Loop) -> None:
    passage = "the harbour was quiet and the boats lay still. " * 60
    requests = [ask(f"{n}: {passage}", max_tokens=3, temperature=1.0, seed=n) for n in range(8)]
    assert len(loop.run(vllm_engine.generate(requests))) == 8


def test_many_at_once_are_charged_what_the_engines_processes_used(vllm_engine: VLLM, loop: Loop) -> None:
    async def round_of(count: int) -> list[tuple[Completion, Cost]]:
        work = [metered(vllm_engine, ask(f"{n}: {STORY}", max_tokens=6 + 2 * n)) for n in range(count)]
        return list(await asyncio.gather(*work))

    before = vllm_engine.attribution.charged
    answers = loop.run(round_of(8))
    used = vllm_engine.attribution.charged - before
    assert used.cpu_s > 0.05
    assert math.fsum(answer.cost.cpu_s for answer, _ in answers) == pytest.approx(used.cpu_s)
    for answer, cost in answers:
        assert 0.0 <= cost.cpu_s - answer.cost.cpu_s < 0.1
        assert (cost.input_tokens, cost.output_tokens) == (answer.usage.input_tokens, answer.usage.output_tokens)
        assert answer.prefill.cpu_s > 0.0 and answer.decode.cpu_s > 0.0
    assert answers[7][0].decode.cpu_s > answers[0][0].decode.cpu_s


def test_a_prompt_that_was_read_before_is_read_from_the_cache(vllm_engine: VLLM, loop: Loop) -> None:
    request = ask("Sum up: " + "the harbour was quiet and the boats lay still. " * 30, max_tokens=2)
    [first], [again] = (loop.run(vllm_engine.generate([request])) for _ in range(2))
    assert again.usage.cached_tokens > first.usage.input_tokens / 2 > first.usage.cached_tokens
    assert again.token_ids == first.token_ids


def test_an_answer_that_nobody_waits_for_is_dropped(vllm_engine: VLLM, loop: Loop) -> None:
    async def impatient() -> Cost:
        started = time.perf_counter()
        await vllm_engine.generate([ask(STORY, max_tokens=8)])
        patience_s, meter = 2 * (time.perf_counter() - started), Meter()
        with pytest.raises(TimeoutError, match=re.escape(f"no completion within {patience_s:g} s")):
            await meter.run(vllm_engine.generate([ask(STORY, max_tokens=900, timeout_s=patience_s)]))
        async with asyncio.timeout(10 * patience_s):  # of the 50 times as much that are left
            while vllm_engine._llm.get_num_unfinished_requests():
                await asyncio.sleep(0.01)
        return meter.cost

    cost = loop.run(impatient())
    assert cost.cpu_s > 0.0 and cost.output_tokens > 0


def test_a_prompt_longer_than_the_context_is_named(vllm_engine: VLLM, loop: Loop) -> None:
    with pytest.raises(PromptError, match="takes at most 1,023"):
        loop.run(vllm_engine.generate([ask("word " * 2_000)]))
    [cut] = loop.run(vllm_engine.generate([ask("word " * 950, max_tokens=500)]))
    assert cut.usage.input_tokens + cut.usage.output_tokens <= 1024


@pytest.mark.parametrize("text", ["\ud800", "a\x00b\x07\x1b[31m", ""])
def test_odd_text_is_answered(text: str, vllm_engine: VLLM, loop: Loop) -> None:
    [answer] = loop.run(vllm_engine.generate([ask(text, max_tokens=2)]))
    answer.text.encode()


def test_an_engine_that_can_not_open_says_why(loop: Loop) -> None:
    with pytest.raises(EngineError, match="subnetlab models list"):
        loop.run(VLLM(model="no-such-model", device="cpu").open())
    with pytest.raises(RuntimeError, match="not open"):
        loop.run(VLLM(device="cpu").generate([ask("Hi")]))


def test_an_engine_whose_process_ends_fails_all_in_flight_at_once_and_its_host_opens_it_again(
    vllm_engine: VLLM, loop: Loop
) -> None:
    story = Query("00aa", "", Prompt((Message("user", STORY),)), timeout_s=60.0)
    capital = Query("00bb", "", Prompt((Message("user", CAPITAL),), max_tokens=12), timeout_s=120.0)
    miners = {uid: LanguageModel(engine=vllm_engine, seed=uid, max_tokens=400) for uid in range(4)}
    host = Host("vllm", miners)

    async def killed() -> tuple[list[Any], Any, float]:
        asked = [asyncio.create_task(host.serve(uid, story)) for uid in miners]
        direct = asyncio.create_task(vllm_engine.generate([ask(STORY, max_tokens=400)]))
        await asyncio.sleep(0.5)
        os.kill(vllm_engine.pids[0], signal.SIGKILL)
        started = time.monotonic()
        outcomes = await asyncio.gather(direct, return_exceptions=True)
        return await asyncio.gather(*asked), outcomes[0], time.monotonic() - started

    responses, raised, told_s = loop.run(killed())
    assert isinstance(raised, EngineDied)
    assert [response.fault for response in responses] == [Fault.LOST] * 4
    assert f"vLLM engine of {MODEL} died: " in responses[0].reason
    assert told_s < 3.0
    again = loop.run(host.serve(0, capital))
    assert again.body == b'{"text":"The capital of France is Paris.","model":"%s","output_tokens":8}' % MODEL.encode()
    assert again.latency_s < 10.0


def test_bare_work_is_measured_in_the_engines_own_processes(vllm_engine: VLLM, loop: Loop) -> None:
    before = vllm_engine.attribution.charged.cpu_s
    host = Host("vllm", {0: LanguageModel(engine=vllm_engine, max_tokens=40)}, owns_process=True)
    (cost,) = loop.run(host.baseline(0, [Query("00cc", "", Prompt((Message("user", STORY),)))]))
    assert cost is not None and cost.output_tokens == 40
    assert cost.cpu_s > 0.8 * (vllm_engine.attribution.charged.cpu_s - before) > 0.1
