import asyncio
import math
import re
import threading
import time
from typing import Any

import pytest

from inference.errors import PromptError
from inference.sampling import Batch
from miners.engines.completion import Completion, Request
from miners.engines.transformers import Transformers
from miners.errors import EngineError
from subnets import Cost, Message, Meter
from subnets.cost import process_cpu_s
from tests.cluster.conftest import until
from tests.miners.engines.loop import Loop
from tests.miners.language_models import CAPITAL, MODEL, STORY, ask, metered

pytestmark = pytest.mark.models


def test_the_model_answers(transformers_engine: Transformers, loop: Loop) -> None:
    [answer] = loop.run(transformers_engine.generate([ask(CAPITAL, max_tokens=16)]))
    assert answer.text == "The capital of France is Paris."
    assert (answer.finish, answer.model) == ("stop", MODEL)
    assert answer.usage.input_tokens == 37 and answer.usage.output_tokens == len(answer.token_ids) == 8
    assert 0.0 < answer.timings.first_token_s < answer.timings.total_s


def test_a_batch_of_unequal_prompts_gives_each_the_answer_that_it_gets_alone(
    transformers_engine: Transformers, loop: Loop
) -> None:
    requests = [
        ask(CAPITAL, max_tokens=8),
        ask(f"{STORY} It should be about ships.", max_tokens=12),
        ask("Hi", max_tokens=5),
    ]
    together = loop.run(transformers_engine.generate(requests))
    alone = [loop.run(transformers_engine.generate([request]))[0] for request in requests]
    assert [answer.token_ids for answer in together] == [answer.token_ids for answer in alone]


def test_the_same_seed_samples_the_same_answer_in_any_company(transformers_engine: Transformers, loop: Loop) -> None:
    def request(seed: int) -> Request:
        return ask(STORY, max_tokens=10, temperature=0.9, top_p=0.95, seed=seed)

    first, other = loop.run(transformers_engine.generate([request(1), request(2)]))
    [again] = loop.run(transformers_engine.generate([request(1)]))
    assert first.text == again.text != other.text


def test_a_stop_string_ends_the_answer_before_itself(transformers_engine: Transformers, loop: Loop) -> None:
    [answer] = loop.run(transformers_engine.generate([ask(CAPITAL, max_tokens=16, stop=(" is Par", "Berlin"))]))
    assert (answer.text, answer.finish) == ("The capital of France", "stop")


def test_log_probabilities_are_of_the_chosen_tokens_and_the_likeliest(
    transformers_engine: Transformers, loop: Loop
) -> None:
    [answer] = loop.run(transformers_engine.generate([ask(CAPITAL, max_tokens=6, logprobs=3)]))
    assert len(answer.logprobs) == len(answer.likeliest) == len(answer.token_ids) == 6
    for token, logprob, likeliest in zip(answer.token_ids, answer.logprobs, answer.likeliest, strict=True):
        assert len(likeliest) == 3 and max(likeliest, key=lambda other: likeliest[other]) == token
        assert likeliest[token] == pytest.approx(logprob) and logprob < 0.0
    [plain] = loop.run(transformers_engine.generate([ask(CAPITAL, max_tokens=2)]))
    assert plain.logprobs == plain.likeliest == ()


def test_what_miners_are_charged_adds_up_to_what_the_engine_used(transformers_engine: Transformers, loop: Loop) -> None:
    async def round_of(count: int) -> list[tuple[Completion, Cost]]:
        work = [metered(transformers_engine, ask(f"{STORY} Number {n}.", max_tokens=4 + n)) for n in range(count)]
        return list(await asyncio.gather(*work))

    before = transformers_engine.attribution.charged
    answers = loop.run(round_of(5))
    used = transformers_engine.attribution.charged - before
    assert math.fsum(answer.cost.cpu_s for answer, _ in answers) == pytest.approx(used.cpu_s)
    for answer, cost in answers:
        # The miner's own steps come on top of its share.
        assert 0.0 <= cost.cpu_s - answer.cost.cpu_s < 0.05
        assert (cost.input_tokens, cost.output_tokens) == (answer.usage.input_tokens, answer.usage.output_tokens)
        assert answer.prefill.cpu_s > 0.0 and answer.decode.cpu_s > 0.0
    assert answers[4][0].decode.cpu_s > answers[0][0].decode.cpu_s


def test_an_answer_that_nobody_waits_for_is_dropped_and_paid_as_far_as_it_went(
    transformers_engine: Transformers, loop: Loop
) -> None:
    async def took(*requests: Request) -> float:
        started = time.perf_counter()
        await transformers_engine.generate(requests)
        return time.perf_counter() - started

    async def impatient() -> tuple[Cost, float, float]:
        patience_s = 2 * await took(ask(STORY, max_tokens=4))
        meter, before = Meter(), process_cpu_s()
        with pytest.raises(TimeoutError, match=re.escape(f"no completion within {patience_s:g} s")):
            await meter.run(transformers_engine.generate([ask(STORY, max_tokens=1_000, timeout_s=patience_s)]))
        used_s = process_cpu_s() - before
        return meter.cost, used_s, await took(ask("Hi", max_tokens=1)) / patience_s

    cost, used_s, waited = loop.run(impatient())
    assert 0.0 < cost.cpu_s <= used_s and cost.input_tokens > 0 and 0 < cost.output_tokens < 500
    assert waited < 20, "the next one waits for a few tokens, not for a thousand"


def test_a_prompt_longer_than_the_context_is_named_and_harms_no_other(
    transformers_engine: Transformers, loop: Loop
) -> None:
    async def both() -> list[object]:
        work = [transformers_engine.generate([ask(text, max_tokens=4)]) for text in ("word " * 9_000, CAPITAL)]
        return list(await asyncio.gather(*work, return_exceptions=True))

    long, short = loop.run(both())
    assert isinstance(long, PromptError) and "takes at most 8,191" in str(long)
    assert isinstance(short, list) and short[0].text == "The capital of France"


@pytest.mark.parametrize("text", ["\ud800", "a\x00b\x07\x1b[31m", "", "\u202e" * 50])
def test_odd_text_is_answered(text: str, transformers_engine: Transformers, loop: Loop) -> None:
    [answer] = loop.run(transformers_engine.generate([ask(text, max_tokens=2)]))
    answer.text.encode()


def test_a_batch_that_does_not_fit_in_memory_is_halved_and_a_single_row_fails(
    transformers_engine: Transformers, loop: Loop, monkeypatch: pytest.MonkeyPatch
) -> None:
    import torch

    start = Batch.__init__

    def small(self: Batch, model: Any, rows: Any) -> None:
        if len(rows) > 2 or any(len(row.prompt) > 200 for row in rows):
            raise torch.OutOfMemoryError("no memory")
        start(self, model, rows)

    monkeypatch.setattr(Batch, "__init__", small)

    async def many() -> list[object]:
        texts = [CAPITAL, "word " * 300, CAPITAL, CAPITAL, CAPITAL]
        return list(
            await asyncio.gather(
                *(transformers_engine.generate([ask(text, max_tokens=2)]) for text in texts), return_exceptions=True
            )
        )

    answers = loop.run(many())
    assert isinstance(answers[1], MemoryError) and "smaller model" in str(answers[1])
    assert all(isinstance(answer, list) for place, answer in enumerate(answers) if place != 1)


def test_a_model_without_its_last_layers_is_another_one(loop: Loop) -> None:
    engine = Transformers(model=MODEL, device="cpu", layers=28)

    async def once() -> Completion:
        await engine.open()
        [answer] = await engine.generate([ask(CAPITAL, max_tokens=8)])
        await engine.close()
        return answer

    assert loop.run(once()).text != "The capital of France is Paris."


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"model": "no-such-model"}, "subnetlab models list"),
        ({"model": "all-minilm-l6-v2"}, "not a causal language model"),
        ({"layers": 99}, "30 layers"),
    ],
)
def test_an_engine_that_can_not_open_says_why_in_one_line(options: dict[str, Any], message: str, loop: Loop) -> None:
    engine = Transformers(**({"device": "cpu"} | options))
    with pytest.raises(EngineError, match=message) as refused:
        loop.run(engine.open())
    assert "\n" not in str(refused.value)


def test_the_reason_of_a_chat_template_that_refuses_a_prompt_reaches_the_caller(loop: Loop) -> None:
    template = "{{ raise_exception('no questions on Sundays') }}"
    engine = Transformers(model=MODEL, device="cpu", template=template, layers=1)

    async def refused() -> None:
        await engine.open()
        try:
            with pytest.raises(PromptError, match="no questions on Sundays"):
                await engine.generate([Request((Message("system", "a"), Message("user", "b")), max_tokens=2)])
        finally:
            await engine.close()

    loop.run(refused())


def test_thinking_that_the_template_begins_is_no_answer_and_is_metered(
    transformers_engine: Transformers, loop: Loop, monkeypatch: pytest.MonkeyPatch
) -> None:
    model: Any = transformers_engine._worker._model  # type: ignore[union-attr]
    template = model.tokenizer.chat_template.replace("<|im_start|>assistant\n", "<|im_start|>assistant\n<think>\n")
    assert template != model.tokenizer.chat_template
    monkeypatch.setattr(model.tokenizer, "chat_template", template)
    [answer] = loop.run(transformers_engine.generate([ask(CAPITAL, max_tokens=6)]))
    assert (answer.text, answer.finish) == ("", "length")
    assert 4 <= answer.usage.thinking_tokens <= answer.usage.output_tokens == 6
    kept = transformers_engine.model_copy(update={"thinking": "keep"})
    monkeypatch.setattr(model.thinking, "count", lambda thoughts: 3)
    assert kept.written("red</think>blue", model.encode(ask("Hi").messages), model.thinking).text == (
        "<think>\nred</think>blue"
    )


def test_callers_that_still_wait_when_the_engine_closes_get_an_error(
    loop: Loop, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = Transformers(model=MODEL, device="cpu", layers=2, max_batch=1)
    writing, step = threading.Event(), Batch.step

    def held(self: Batch) -> None:
        writing.set()
        until(lambda: worker._stopping)
        step(self)

    async def closing() -> list[object]:
        nonlocal worker
        await engine.open()
        worker = engine._worker
        work = [asyncio.create_task(engine.generate([ask(STORY, max_tokens=20)])) for _ in range(3)]
        await asyncio.to_thread(writing.wait, 60.0)
        await engine.close()
        with pytest.raises(RuntimeError, match="not open"):
            await engine.generate([ask("Hi")])
        return list(await asyncio.gather(*work, return_exceptions=True))

    worker: Any = None
    monkeypatch.setattr(Batch, "step", held)
    [[first], *others] = loop.run(closing())
    assert first.usage.output_tokens == 20, "what is being written is written to its end"
    assert [str(other) for other in others] == ["the engine was closed"] * 2
