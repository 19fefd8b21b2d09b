import asyncio
import logging
import pickle
import time
from typing import Any

import pytest

from miners.engines.completion import Completion, Request
from miners.engines.openai import OpenAI
from miners.engines.openai.prices import listed_price
from miners.errors import APIError, EngineError
from subnets import Cost, Meter
from tests.miners.engines.loop import Loop
from tests.miners.engines.openai.proxy import Proxy
from tests.miners.language_models import CAPITAL, MODEL, Server, ask

pytestmark = pytest.mark.models

KEY = "sk-very-secret-1234567890"
HERE = ("127.0.0.1",)
PRICES = {"usd_per_million_input": 1.0, "usd_per_million_output": 2.0}
Outcome = Completion | Exception


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAB_KEY", KEY)


def engine(base_url: str, **options: Any) -> OpenAI:
    defaults = {"model": MODEL, "key_env": "LAB_KEY", "private_hosts": HERE, "pause_s": 0.02, "retries": 2}
    return OpenAI(base_url=base_url, **(defaults | options))


def answers(loop: Loop, client: OpenAI, *requests: Request) -> tuple[list[Outcome], Cost]:
    """Open, ask one after another, close."""

    async def work() -> tuple[list[Outcome], Cost]:
        outcomes: list[Outcome] = []
        meter = Meter()
        await client.open()
        try:
            for request in requests:
                try:
                    outcomes += await meter.run(client.generate([request]))
                except Exception as error:
                    outcomes.append(error)
        finally:
            await client.close()
        return outcomes, meter.cost

    return loop.run(work())


def faulty(loop: Loop, proxy: Proxy, *faults: str, max_tokens: int = 8, **options: Any) -> Outcome:
    """Ask once, the server having these faults first."""
    proxy.faults.extend(faults)
    [outcome], _ = answers(loop, engine(proxy.base_url, **options), ask(CAPITAL, max_tokens=max_tokens))
    proxy.faults.clear()
    return outcome


def text(outcome: Outcome) -> str:
    assert isinstance(outcome, Completion), outcome
    return outcome.text


def failure(outcome: Outcome) -> str:
    assert isinstance(outcome, APIError), outcome
    assert KEY not in str(outcome) and "\n" not in str(outcome)
    return str(outcome)


def test_vllms_own_server_answers_and_both_counts_of_tokens_are_in_the_usage(vllm_server: Server, loop: Loop) -> None:
    client = engine(vllm_server.base_url, tokenizer=MODEL, **PRICES)
    [answer], cost = answers(loop, client, ask(CAPITAL, max_tokens=12, logprobs=0))
    assert isinstance(answer, Completion), answer
    assert answer.text == "The capital of France is Paris."
    assert (answer.finish, answer.model) == ("stop", MODEL)
    assert len(answer.logprobs) == 8 and max(answer.logprobs) < 0.0
    assert 0.0 < answer.timings.first_token_s < answer.timings.total_s
    # The server counts the token that ends an answer, which has no text.
    usage = answer.usage
    assert (usage.input_tokens, usage.claimed_input_tokens) == (37, 37)
    assert (usage.output_tokens, usage.claimed_output_tokens, usage.counted) == (7, 8, True)
    assert cost.paid_usd == pytest.approx((37 + 2 * 8) / 1e6)
    assert cost.sent_bytes > 100 and cost.received_bytes > 500
    assert (cost.input_tokens, cost.output_tokens) == (37, 7)


def test_transformers_own_server_answers(transformers_server: Server, loop: Loop) -> None:
    client = engine(transformers_server.base_url, model=transformers_server.model, key_env="")
    [answer], cost = answers(loop, client, ask(CAPITAL, max_tokens=12))
    assert text(answer) == "The capital of France is Paris."
    assert cost.output_tokens == 8 and cost.paid_usd == 0.0


def test_many_requests_share_connections(proxy: Proxy, vllm_server: Server, loop: Loop) -> None:
    proxy.faults.extend(["404"] * 5)
    answers(loop, engine(proxy.base_url), *[ask("Hi")] * 5)
    assert (len(proxy.requests), proxy.connections) == (5, 1)


@pytest.mark.parametrize("status", ["429", "500", "503"])
def test_a_failure_that_passes_is_tried_again(status: str, proxy: Proxy, loop: Loop) -> None:
    assert text(faulty(loop, proxy, status, status)) == "The capital of France is Paris."
    assert len(proxy.requests) == 3


def test_a_failure_that_stays_is_named_after_the_last_try(proxy: Proxy, loop: Loop) -> None:
    message = failure(faulty(loop, proxy, "500", "500", "500"))
    assert "answered 500" in message and "tried 3 times" in message


@pytest.mark.parametrize("status", ["400", "401", "404"])
def test_a_refusal_is_not_retried_and_does_not_show_the_key(status: str, proxy: Proxy, loop: Loop) -> None:
    assert f"answered {status}" in failure(faulty(loop, proxy, status))
    assert len(proxy.requests) == 1
    assert proxy.requests[0][1]["authorization"] == f"Bearer {KEY}"


def test_a_redirect_is_not_followed(proxy: Proxy, loop: Loop) -> None:
    assert "answered 307" in failure(faulty(loop, proxy, "307"))
    assert len(proxy.requests) == 1


def test_a_server_that_is_silent_is_given_up_and_asked_again(proxy: Proxy, loop: Loop) -> None:
    assert text(faulty(loop, proxy, "hang", stall_s=2.0)) == "The capital of France is Paris."
    assert "silent for 0.2 s" in failure(faulty(loop, proxy, "hang", stall_s=0.2, retries=0))


def test_a_request_ends_with_its_own_time_whatever_the_server_does(proxy: Proxy, loop: Loop) -> None:
    proxy.faults.append("hang")
    started = time.monotonic()
    [outcome], _ = answers(loop, engine(proxy.base_url), ask(CAPITAL, timeout_s=0.3))
    assert isinstance(outcome, TimeoutError) and time.monotonic() - started < 2.0


def test_an_answer_that_breaks_off_is_a_failure_and_is_not_paid_twice(proxy: Proxy, loop: Loop) -> None:
    assert "broke off" in failure(faulty(loop, proxy, "cut"))
    assert len(proxy.requests) == 1


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ("garbage", "can't be read"),
        ("no choices", "sent no completion"),
        ("html", "sent no completion"),
        ("huge", "more than 160,000 bytes"),
        ("gzip", "sent a compressed answer; only plain ones are accepted"),
        ("other model", "answered with gigantic-1000b-model!"),
    ],
)
def test_a_malformed_answer_is_named(fault: str, message: str, proxy: Proxy, loop: Loop) -> None:
    assert message in failure(faulty(loop, proxy, fault))


def test_an_answer_without_an_end_is_cut_soon_after_the_tokens_asked_for(proxy: Proxy, loop: Loop) -> None:
    outcome = faulty(loop, proxy, "endless")
    assert isinstance(outcome, Completion) and outcome.finish == "length"
    assert 8 + 16 < len(outcome.text.split()) < 3 * (8 + 16)


def test_lone_surrogates_and_control_characters_do_no_harm(proxy: Proxy, loop: Loop) -> None:
    assert text(faulty(loop, proxy, "surrogate")) == "a?b\x00c"


def test_a_server_that_is_not_there_is_named(loop: Loop) -> None:
    [outcome], _ = answers(loop, engine("http://127.0.0.1:1/v1", retries=1), ask("Hi"))
    assert "no connection to 127.0.0.1" in failure(outcome) and "tried 2 times" in failure(outcome)


def test_the_spending_limit_holds_against_many_requests_at_once(vllm_server: Server, loop: Loop) -> None:
    client = engine(vllm_server.base_url, max_usd=0.001, **PRICES)

    async def flood() -> list[object]:
        await client.open()
        work = [client.generate([ask(f"Count to {n}", max_tokens=8)]) for n in range(30)]
        outcomes = list(await asyncio.gather(*work, return_exceptions=True))
        await client.close()
        return outcomes

    outcomes = loop.run(flood())
    refused = [outcome for outcome in outcomes if isinstance(outcome, APIError)]
    assert 0 < len(refused) < 30
    assert all("raise max_usd" in str(outcome) for outcome in refused)
    paid_usd = [outcome[0].cost.paid_usd for outcome in outcomes if isinstance(outcome, list)]
    assert 0.0 < sum(paid_usd) <= 0.001


def test_requests_keep_to_their_rate(proxy: Proxy, loop: Loop) -> None:
    proxy.faults.extend(["404"] * 4)
    started = time.monotonic()
    answers(loop, engine(proxy.base_url, requests_per_minute=600.0), *[ask("Hi")] * 4)
    assert 0.3 <= time.monotonic() - started < 3.0


def test_nothing_of_the_environment_is_sent_but_the_key(
    proxy: Proxy, loop: Loop, monkeypatch: pytest.MonkeyPatch
) -> None:
    others = {"Authorization": "Bearer other", "Host": "other.example", "User-Agent": "other", "X-Tenant": "other"}
    monkeypatch.setenv("OPENAI_CUSTOM_HEADERS", "\n".join(f"{name}: {value}" for name, value in others.items()))
    for name in ("ORG_ID", "PROJECT_ID", "API_KEY", "ADMIN_KEY"):
        monkeypatch.setenv(f"OPENAI_{name}", "other")
    faulty(loop, proxy, "404")
    [(_, headers, _)] = proxy.requests
    assert headers["authorization"] == f"Bearer {KEY}" and headers["accept-encoding"] == "identity"
    assert "other" not in str(headers) and not headers.keys() & {"openai-organization", "openai-project", "x-tenant"}


@pytest.mark.parametrize("fault", ["401", "key"])
def test_no_part_of_a_key_stays_where_a_message_is_cut(
    fault: str, proxy: Proxy, loop: Loop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LAB_KEY", "sk-" + "0123456789" * 30)
    message = failure(faulty(loop, proxy, fault))
    assert "[key]" in message and "0123" not in message


def test_the_key_is_in_no_option_no_pickle_and_no_log(
    proxy: Proxy, loop: Loop, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    client = engine(proxy.base_url)
    proxy.faults.extend(["500", "401"])
    [outcome], _ = answers(loop, client, ask(CAPITAL, max_tokens=4))
    assert proxy.requests[0][1]["authorization"] == f"Bearer {KEY}"
    failure(outcome)
    assert KEY not in client.key + repr(client) + caplog.text and KEY.encode() not in pickle.dumps(client)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"key_env": "NO_SUCH_KEY"}, "NO_SUCH_KEY is not set"),
        ({"private_hosts": ()}, 'private_hosts = \\["127.0.0.1"\\]'),
        ({"max_usd": 1.0}, "no price is known"),
        ({"tokenizer": "no-such-model"}, "tokenizer: there is no model"),
    ],
)
def test_an_engine_that_can_not_open_says_why(options: dict[str, Any], message: str, loop: Loop) -> None:
    with pytest.raises(EngineError, match=message):
        loop.run(engine("http://127.0.0.1:9/v1", **options).open())


def test_prices_come_from_the_provider_behind_the_url_and_say_from_when() -> None:
    price = listed_price("gpt-4o-mini", "https://api.openai.com/v1")
    assert price is not None and price.source.startswith("genai-prices 0.") and "in force on 20" in price.source
    assert price.usd(1_000_000, 0) > 0.0 and price.usd(0, 1_000_000) > price.usd(1_000_000, 0)
    assert listed_price("gpt-4o-mini", "http://127.0.0.1:8000/v1") is None
    assert listed_price("no-such-model", "https://api.openai.com/v1") is None
