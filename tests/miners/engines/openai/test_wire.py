"""What servers really send, over real sockets."""

import json
import logging
from html import escape
from typing import Any
from urllib.parse import quote

import pytest

from miners.engines.completion import Completion, Request
from miners.errors import APIError, EngineError
from subnets import Message
from tests.miners.engines.openai.fake import Body, Reply, ask, refusal, stream

pytest.importorskip("openai")
USAGE = {"model": "m", "choices": [], "usage": {"prompt_tokens": 9, "completion_tokens": 3}}


def delta(content: Any, **fields: Any) -> Body:
    return {"model": "m", "choices": [{"index": 0, "delta": {"content": content, **fields}}]}


def completion(reply: Reply, **options: Any) -> Completion:
    [outcome], _ = ask(lambda _: reply, **options)
    assert isinstance(outcome, Completion), outcome
    return outcome


def failure(reply: Reply, **options: Any) -> str:
    [outcome], _ = ask(lambda _: reply, **options)
    assert isinstance(outcome, APIError), outcome
    return str(outcome)


@pytest.mark.parametrize(
    "events",
    [
        (delta([{"type": "text", "text": "blue "}]), delta([{"type": "text", "text": {"value": "lamp"}}])),
        (delta([{"type": "thinking", "thinking": [{"type": "text", "text": "red?"}]}]), "blue ", "lamp"),
        ("blue ", {"model": "m", "choices": [{"index": 0, "delta": None}]}, "lamp"),
        ("blue ", {"model": "m", "choices": [{"index": 0, "finish_reason": None}]}, "lamp"),
        ("blue ", {"model": "m", "choices": None}, {"id": "x", "model": "m"}, {"ping": 1}, "lamp"),
        ({"choices": [], "id": "", "model": "", "prompt_filter_results": [{}]}, "blue ", "lamp"),
        ("blue ", {"choices": [{"index": 0, "content_filter_results": {}, "content_filter_offsets": {}}]}, "lamp"),
        ("blue lamp", {"model": "m", "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}),
        ({"model": "m", "choices": [{"index": 0, "text": "blue lamp", "finish_reason": "stop"}]},),
        (delta(None, reasoning_content="red?"), delta(None, reasoning="green?"), delta("blue lamp")),
        ("blue lamp", {"choices": [], "usage": None}),
    ],
)
def test_an_answer_is_read_from_every_shape_of_event(events: tuple[Any, ...]) -> None:
    assert completion(stream(*events)).text == "blue lamp"


def test_an_answer_ends_with_done_a_finish_or_its_usage_and_is_broken_off_otherwise() -> None:
    assert completion(stream("blue")).text == "blue"
    assert completion(stream("blue", USAGE, done=False)).text == "blue"
    assert "broke off its answer after 1 pieces" in failure(stream("blue", done=False))


def test_lines_may_end_and_begin_in_any_way_that_the_protocol_allows() -> None:
    body = json.dumps(delta("blue\u2028lamp"), ensure_ascii=False)
    for text in (
        f": hello\r\n\r\nevent: message\r\ndata:{body}\r\n\r\ndata: [DONE]\r\n\r\n",
        f"data: {body}\ndata: [DONE]\n",
        "\ufeffdata: " + body.replace(', "choices"', ',\ndata: "choices"') + "\n\ndata: [DONE]",
    ):
        assert completion(Reply(text)).text == "blue\u2028lamp"


def test_a_whole_answer_is_read_where_a_stream_was_asked_for() -> None:
    message = {"role": "assistant", "content": "blue lamp"}
    body = {"model": "m", "choices": [{"message": message, "finish_reason": "length"}], "usage": USAGE["usage"]}
    answer = completion(Reply(json.dumps(body, indent=1), content_type="application/json"))
    assert (answer.text, answer.finish, answer.usage.output_tokens) == ("blue lamp", "length", 3)


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        (stream({"error": {"message": "all workers are busy", "code": 400}}), "an error 400: all workers are busy"),
        (stream({"error": "all workers are busy"}), "all workers are busy"),
        (stream({"type": "error", "error": {"message": "all workers are busy"}}), "all workers are busy"),
        (stream({"object": "error", "message": "all workers are busy"}), "all workers are busy"),
        (stream({"detail": "all workers are busy"}), "all workers are busy"),
        (stream("blue", {"error": {"message": "all workers are busy", "code": 503}}), "all workers are busy"),
        (Reply('{"error": "all workers are busy"}', content_type="application/json"), "all workers are busy"),
        (Reply("<html><body>Please sign in</body></html>", content_type="text/html"), "Please sign in"),
        (Reply("all workers are busy", content_type="text/plain"), "all workers are busy"),
        (Reply("all workers are busy", 400, "text/plain"), "answered 400: all workers are busy"),
        (Reply('{"detail": [{"loc": ["body"], "msg": "bad"}]}', 422), "answered 422: body: bad"),
        (Reply("", 404), "answered 404: Not Found"),
        (stream({"choices": [{"delta": {}, "finish_reason": "content_filter"}]}), "content filter"),
        (stream(), "sent no completion"),
    ],
)
def test_the_servers_own_words_are_in_the_reason(reply: Reply, words: str) -> None:
    reason = failure(reply)
    assert words in reason and "\n" not in reason


def test_an_error_that_may_pass_is_tried_again_while_nothing_has_arrived() -> None:
    replies = iter([stream({"error": {"type": "overloaded_error", "message": "later"}}), stream("blue")])
    [outcome], bodies = ask(lambda _: next(replies))
    assert isinstance(outcome, Completion) and outcome.text == "blue" and len(bodies) == 2


def test_long_words_are_cut_and_lose_a_key_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAB_KEY", "sk-0123456789")
    reason = failure(refusal("x" * 295 + "sk-0123456789" + "y" * 500), key_env="LAB_KEY")
    assert "0123" not in reason and len(reason) < 400


def refusing(*refused: str) -> Any:
    """Return a server that refuses these parameters, and answers otherwise."""

    def answer(body: Body) -> Reply:
        name = next((name for name in refused if name in body), None)
        return refusal(f"Unsupported parameter: '{name}' is not supported with this model.") if name else stream("blue")

    return answer


@pytest.mark.parametrize("refused", ["top_p", "seed", "stream_options", "max_tokens", "stop"])
def test_a_parameter_is_refused_once_and_not_sent_again(refused: str) -> None:
    request = Request((Message("user", "Hi"),), max_tokens=32, stop=("\n",))
    outcomes, bodies = ask(refusing(refused), request=request, times=2, retries=0)
    assert [outcome.text if isinstance(outcome, Completion) else outcome for outcome in outcomes] == ["blue"] * 2
    assert len(bodies) == 3 and refused not in bodies[1] and refused not in bodies[2]
    assert ("max_completion_tokens" in bodies[2]) == (refused == "max_tokens")


def test_several_refusals_are_learned_one_after_another() -> None:
    [outcome], bodies = ask(refusing("top_p", "seed", "stream_options", "max_tokens"))
    assert isinstance(outcome, Completion) and len(bodies) == 5


@pytest.mark.parametrize(
    "words",
    [
        {"detail": [{"loc": ["body", "stream_options"], "msg": "Extra inputs are not permitted"}]},
        {"error": {"message": "Not here", "param": "stream_options"}},
        {"message": "unrecognized request argument supplied: stream_options"},
    ],
)
def test_a_refusal_is_understood_in_any_words(words: Body) -> None:
    reply = Reply(json.dumps(words), 400)
    [outcome], bodies = ask(lambda body: reply if "stream_options" in body else stream("blue"))
    assert isinstance(outcome, Completion) and len(bodies) == 2


def test_a_server_that_does_not_stream_is_asked_for_a_whole_answer() -> None:
    whole = Reply(json.dumps({"model": "m", "choices": [{"message": {"content": "blue"}}]}))
    by_refusal, bodies = ask(lambda body: refusal("Streaming is not supported") if body.get("stream") else whole)
    by_config, _ = ask(lambda body: refusal("no") if body.get("stream") else whole, stream=False)
    for [outcome] in (by_refusal, by_config):
        assert isinstance(outcome, Completion) and outcome.text == "blue"
    assert len(bodies) == 2 and "stream_options" not in bodies[1]


def test_sampling_is_never_changed_by_a_refusal() -> None:
    for options in ({"temperature": 0.5}, {"top_p": 0.5}):
        request = Request((Message("user", "Hi"),), **options)  # type: ignore[arg-type]
        [outcome], bodies = ask(refusing(*options), request=request)
        assert "is not supported" in str(outcome) and len(bodies) == 1


def test_parameters_are_left_out_and_renamed_by_config() -> None:
    _, [body] = ask(lambda _: stream("blue"), leave_out=("top_p", "stream_options"), rename={"seed": "random_seed"})
    assert not body.keys() & {"top_p", "stream_options", "seed"} and 0 <= body["random_seed"] < 2**31


def test_seeds_have_32_bits() -> None:
    request = Request((Message("user", "Hi"),), seed=2**62 + 5)
    _, [body] = ask(lambda _: stream("blue"), request=request)
    assert body["seed"] == 5


def test_a_stop_string_that_the_server_refuses_still_ends_the_answer() -> None:
    request = Request((Message("user", "Hi"),), stop=("END", "lamp"))
    [outcome], _ = ask(
        lambda body: refusal("stop is not supported") if "stop" in body else stream("a lamp END b"), request=request
    )
    assert isinstance(outcome, Completion) and outcome.text == "a "


def test_a_system_prompt_goes_before_the_users_text_where_the_server_refuses_its_role() -> None:
    def answer(body: Body) -> Reply:
        system = any(turn["role"] == "system" for turn in body["messages"])
        return refusal("System role not supported") if system else stream("blue")

    request = Request((Message("system", "Be brief."), Message("user", "Hi")))
    [outcome], bodies = ask(answer, request=request)
    assert isinstance(outcome, Completion)
    assert bodies[1]["messages"] == [{"role": "user", "content": "Be brief.\n\nHi"}]


def model(name: str) -> Reply:
    return stream({"model": name, "choices": [{"delta": {"content": "blue"}, "finish_reason": "stop"}]})


def test_a_deployment_is_answered_by_one_model() -> None:
    names = iter(["gpt-4o-mini-2024-07-18", "gpt-4o-mini-2024-07-18", "tiny-1b"])
    outcomes, _ = ask(lambda _: model(next(names)), model="eastern-chat", times=3)
    assert isinstance(outcomes[0], Completion) and outcomes[0].model == "gpt-4o-mini-2024-07-18"
    assert isinstance(outcomes[1], Completion) and "before with gpt-4o-mini" in str(outcomes[2])


def test_the_model_that_is_meant_to_answer_can_be_named() -> None:
    options = {"model": "eastern-chat", "answered_by": "gpt-4o-mini"}
    assert completion(model("gpt-4o-mini-2024-07-18"), **options).text == "blue"
    assert 'set answered_by = "tiny-1b"' in failure(model("tiny-1b"), **options)
    assert 'set answered_by = "tiny-1b"' in failure(model("tiny-1b"), model="gpt-4o-mini")
    assert completion(model("mistral-small-2506"), model="mistral-small-latest").text == "blue"


def test_one_character_an_event_is_not_one_token_an_event() -> None:
    text = "The lamp in the hall belongs to the youngest of the four sisters."
    answer = completion(stream(*text, USAGE | {"usage": {"prompt_tokens": 9, "completion_tokens": 15}}))
    assert (answer.text, answer.usage.output_tokens, answer.usage.estimated) == (text, 15, False)
    uncounted = completion(stream(*text)).usage
    assert uncounted.estimated and 10 <= uncounted.output_tokens <= 20 and uncounted.input_tokens > 0


def test_an_answer_far_beyond_the_tokens_asked_for_is_cut() -> None:
    answer = completion(stream(*["more "] * 2000), request=Request((Message("user", "Hi"),), max_tokens=8))
    assert answer.finish == "length" and len(answer.text.split()) < 60


def test_thinking_is_cut_off_or_kept_and_its_tokens_are_metered() -> None:
    tagged = stream("<think>red? ", "green?</think>", "blue")
    field = stream(delta(None, reasoning_content="red? green?"), "blue")
    for reply in (tagged, field):
        answer = completion(reply)
        assert answer.text == "blue" and 1 <= answer.usage.thinking_tokens < answer.usage.output_tokens
        kept = completion(reply, thinking="keep").text
        assert kept.startswith("<think>") and "green?" in kept and kept.endswith("blue")
    usage = {"prompt_tokens": 9, "completion_tokens": 50, "completion_tokens_details": {"reasoning_tokens": 40}}
    counted = completion(stream("blue", USAGE | {"usage": usage})).usage
    assert (counted.output_tokens, counted.thinking_tokens) == (50, 40)


@pytest.mark.parametrize(
    "key", ["sk-abcdef\r\n", "\ufeffsk-abcdef", "\u201csk-abcdef\u201d", '"sk-abcdef"', "sk abcdef"]
)
def test_a_key_with_foreign_characters_is_refused_before_anything_is_sent(
    key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LAB_KEY", key)
    with pytest.raises(EngineError, match="LAB_KEY (begins with|contains|ends in) ") as error:
        ask(lambda _: stream("blue"), key_env="LAB_KEY")
    assert "abcdef" not in str(error.value)


def test_a_key_that_a_server_echoes_is_in_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAB_KEY", "sk-0123456789")
    events = ("Your key is sk-01234", "56789, keep it.", delta(None, reasoning="sk-0123456789"))
    for thinking in ("strip", "keep"):
        text = completion(stream(*events), key_env="LAB_KEY", thinking=thinking).text
        assert "0123" not in text and "Your key is [key], keep it." in text


KEY = "sk-01/23+456&789"


@pytest.mark.parametrize(
    "reply",
    [
        Reply("", 401, phrase=f"Unknown {KEY}", header=KEY),
        Reply(json.dumps({"error": {"message": f"unknown {KEY}", "code": KEY}}), 401),
        Reply(json.dumps(f"{KEY} is unknown").replace("/", r"\/") + "{", 401),
        Reply(f"<html><body>GET /?key={quote(KEY, safe='')} as {escape(KEY)}</body></html>", 401),
        Reply("unknown sk-01/23\x1b[0m+456&789", 401),
        stream({"error": {"message": f"unknown {KEY}"}}),
        stream("blue", {"error": {"message": f"{KEY} is used up", "type": KEY}}),
        stream({"model": KEY, "choices": [{"delta": {"content": KEY}}]}),
        Reply(f"data: {KEY}\n\n"),
    ],
    ids=["head", "body", "broken body", "page", "hidden", "event", "late event", "model", "no JSON"],
)
def test_a_key_that_a_server_echoes_is_in_no_reason_and_no_log(
    reply: Reply, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("LAB_KEY", KEY)
    with caplog.at_level(logging.INFO):
        [outcome], _ = ask(lambda _: reply, key_env="LAB_KEY", model="gpt-4o-mini")
    assert isinstance(outcome, Exception)
    assert "456" not in str(outcome) and "456" not in caplog.text


def test_a_long_key_in_the_name_of_a_model_is_removed_before_the_name_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAB_KEY", "sk-" + "0123456789" * 30)
    reason = failure(model("Bearer sk-" + "0123456789" * 30), model="gpt-4o-mini", key_env="LAB_KEY")
    assert "answered with Bearer [key]" in reason and "0123" not in reason
