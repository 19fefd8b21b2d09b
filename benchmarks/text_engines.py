"""Output tokens per second of a language engine through the lab, compared with the same engine called directly.

    python benchmarks/text_engines.py --engine vllm
    python benchmarks/text_engines.py --engine transformers

Through the lab, K miners on a Ray host share one engine and are queried at once, round by round. The bare engine, in
this process, gets the same prompts, seeds and concurrency. They take turns, so that a noisy machine disturbs both.
With --engines K, one engine shared by K miners is compared with K engines of one miner each, in this process.
"""

import argparse
import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from statistics import median
from typing import Any

import psutil

from cluster import RayPool
from inference.clock import processes_cpu_s
from inference.quiet import quiet
from inference.weights import resolve
from miners import load_miner
from miners.engines.completion import Request
from miners.engines.language import LanguageEngine
from miners.prompted import LanguageModel
from subnets import Message, Prompt, Query, load_subnet

TOPICS = (
    "a lighthouse",
    "two rivers",
    "a slow train",
    "the last baker",
    "an old radio",
    "a paper boat",
    "snow",
    "a key",
)
Bare = Callable[[list[Request]], Awaitable[int]]


def query(number: int, max_tokens: int) -> Query:
    text = f"Tell me a long story about {TOPICS[number % len(TOPICS)]}, number {number}."
    return Query(
        f"{number:x}", "text_prompting", Prompt((Message("user", text),), max_tokens=max_tokens), timeout_s=300.0
    )


def rendered(tokenizer: Any, request: Request) -> list[int]:
    turns = [{"role": message.role, "content": message.content} for message in request.messages]
    text = tokenizer.apply_chat_template(turns, add_generation_prompt=True, tokenize=False)
    return list(tokenizer.encode(text, add_special_tokens=False))


async def bare_vllm(engine: Any) -> tuple[Bare, Callable[[], Awaitable[None]]]:
    """Return a function that asks an AsyncLLM with the same options directly, and one that closes it."""
    from vllm import SamplingParams
    from vllm.sampling_params import RequestOutputKind

    await engine.open()
    llm, tokenizer = engine._llm, engine._tokenizer

    async def complete(request: Request) -> int:
        params = SamplingParams(
            temperature=request.temperature,
            max_tokens=request.max_tokens,
            seed=request.seed,
            output_kind=RequestOutputKind.FINAL_ONLY,
        )
        prompt = {"prompt_token_ids": rendered(tokenizer, request)}
        async for output in llm.generate(prompt, params, request_id=f"{time.perf_counter_ns()}-{request.seed}"):
            last = output
        return len(last.outputs[0].token_ids)

    async def ask(requests: list[Request]) -> int:
        return sum(await asyncio.gather(*(complete(request) for request in requests)))

    return ask, engine.close


async def bare_transformers(engine: Any) -> tuple[Bare, Callable[[], Awaitable[None]]]:
    """Return a function that runs transformers' `generate` on one padded batch, and one that closes it."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    torch.set_num_threads(engine.threads)
    folder = resolve(engine.model)
    device = ("cuda" if torch.cuda.is_available() else "cpu") if engine.device == "auto" else engine.device
    with quiet():
        tokenizer = AutoTokenizer.from_pretrained(folder, padding_side="left")
        model = AutoModelForCausalLM.from_pretrained(folder, dtype="auto" if device == "cuda" else torch.float32)
    model.to(device).eval()

    def generate(requests: list[Request]) -> int:
        rows = [tokenizer.decode(rendered(tokenizer, request)) for request in requests]
        batch = tokenizer(rows, return_tensors="pt", padding=True, add_special_tokens=False).to(device)
        torch.manual_seed(requests[0].seed % 2**31)
        with torch.inference_mode():
            out = model.generate(
                **batch,
                do_sample=True,
                temperature=requests[0].temperature,
                top_k=0,
                max_new_tokens=requests[0].max_tokens,
                pad_token_id=tokenizer.pad_token_id,
            )
        new = out[:, batch["input_ids"].shape[1] :]
        ends = new == tokenizer.eos_token_id
        # Tokens behind the one that ends an answer are padding.
        return int((ends.long().cumsum(1) - ends.long() == 0).sum())

    async def ask(requests: list[Request]) -> int:
        return await asyncio.get_running_loop().run_in_executor(None, generate, requests)

    async def close() -> None:
        pass

    return ask, close


@dataclass(frozen=True)
class Turn:
    """Measurements of some rounds."""

    tokens: int
    wall_s: float
    cpu_s: float
    """CPU time of the engine and its caller; other processes of a busy machine do not count."""
    rounds: int

    @property
    def rate(self) -> float:
        """Output tokens per second."""
        return self.tokens / self.wall_s

    @property
    def cpu_ms(self) -> float:
        """CPU milliseconds of one output token."""
        return self.cpu_s / self.tokens * 1e3


async def through_the_lab(pool: RayPool, queries: list[Query], uids: list[int]) -> Turn:
    """Query all miners through the pool, round by round."""
    before = sum(usage.cpu_s for usage in await pool.usage() if usage.role in ("driver", "host"))
    started, tokens = time.perf_counter(), 0
    for each in queries:
        responses = await pool.query(each, uids)
        assert all(response.fault is None for response in responses), responses
        tokens += sum(response.cost.output_tokens for response in responses)
    took_s = time.perf_counter() - started
    used = sum(usage.cpu_s for usage in await pool.usage() if usage.role in ("driver", "host")) - before
    return Turn(tokens, took_s, used, len(queries))


async def alone(ask: Bare, miners: list[LanguageModel], queries: list[Query], pids: tuple[int, ...]) -> Turn:
    """Send the same requests without the lab."""
    before = time.process_time() + processes_cpu_s(pids)
    started, tokens = time.perf_counter(), 0
    for each in queries:
        tokens += await ask([miner.request(each) for miner in miners])
    took_s = time.perf_counter() - started
    return Turn(tokens, took_s, time.process_time() + processes_cpu_s(pids) - before, len(queries))


async def shared_beside_own(engine: LanguageEngine, count: int, queries: list[Query]) -> tuple[float, float]:
    """Return tokens per second of one shared engine, and of as many engines as miners."""
    rates = []
    for engines in ([engine], [engine.model_copy() for _ in range(count)]):
        for each in engines:
            await each.open()
        started, tokens = time.perf_counter(), 0
        for each_query in queries:
            requests = [Request(each_query.prompt.messages, 32, 0.7, seed=seed) for seed in range(count)]
            completions = await asyncio.gather(
                *(engines[place % len(engines)].generate([request]) for place, request in enumerate(requests))
            )
            tokens += sum(completion.usage.output_tokens for [completion] in completions)
        rates.append(tokens / (time.perf_counter() - started))
        print(f"  {len(engines)} engine(s): {rates[-1]:.1f} tokens/s, {memory_gib():.1f} GiB, children included")
        for each in engines:
            await each.close()
    return rates[0], rates[1]


def memory_gib() -> float:
    me = psutil.Process()
    return sum(process.memory_info().rss for process in [me, *me.children(recursive=True)]) / 2**30


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--engine", default="vllm", choices=["vllm", "transformers"])
    parser.add_argument("--model", default="smollm2-135m-instruct")
    parser.add_argument("--miners", type=int, default=16)
    parser.add_argument("--turns", type=int, default=6)
    parser.add_argument("--rounds", type=int, default=3, help="rounds of a turn")
    parser.add_argument("--tokens", type=int, default=48, help="most tokens of an answer")
    parser.add_argument("--engines", type=int, default=0, help="compare K engines with one shared engine instead")
    parser.add_argument("--option", action="append", default=[], help="option of the engine, such as context=2048")
    arguments = parser.parse_args()

    options = {key: json.loads(value) for key, value in (option.split("=", 1) for option in arguments.option)}
    table = {"kind": arguments.engine, "model": arguments.model, **options}
    if arguments.engine == "vllm":
        table = {"context": 2048} | table
    uids = list(range(arguments.miners))
    miners = [
        load_miner({"kind": "language_model", "engine": table, "temperature": 0.7, "max_tokens": 4096, "seed": uid})
        for uid in uids
    ]
    language = [miner for miner in miners if isinstance(miner, LanguageModel)]
    engine: Any = language[0].engine.model_copy()
    if arguments.engines:
        queries = [query(number, 32) for number in range(arguments.rounds)]
        shared, own = await shared_beside_own(engine, arguments.engines, queries)
        print(f"one shared engine gives {shared / own:.2f} times the tokens of {arguments.engines} engines")
        return

    ask, close = await (bare_vllm(engine) if arguments.engine == "vllm" else bare_transformers(engine))
    pids: tuple[int, ...] = getattr(engine, "pids", ())
    turns: list[tuple[Turn, Turn]] = []
    firsts: list[float] = []
    pool = RayPool(load_subnet("text_prompting"), dict(zip(uids, miners, strict=True)), {}, start_timeout_s=400.0)
    async with pool:
        for turn in range(arguments.turns + 1):
            numbers = range(turn * arguments.rounds, (turn + 1) * arguments.rounds)
            queries = [query(number, arguments.tokens) for number in numbers]
            # Both have read the prompt already when they are asked for one token.
            brief = [replace(each, id=f"{each.id}f", prompt=replace(each.prompt, max_tokens=1)) for each in queries]
            lab, bare = await through_the_lab(pool, queries, uids), await alone(ask, language, queries, pids)
            first_lab, first_bare = (
                await through_the_lab(pool, brief, uids),
                await alone(ask, language, brief, pids),
            )
            if turn:  # the first one warms up
                turns.append((lab, bare))
                firsts.append((first_lab.wall_s - first_bare.wall_s) / len(brief))
    await close()

    print(f"{arguments.engine}, {arguments.model}, {arguments.miners} miners on one engine, {len(turns)} turns")
    print(f"{'through the lab':>31} {'bare engine':>31} {'ratio':>7} {'by CPU':>7}")
    for lab, bare in turns:
        sides = (f"{side.rate:>8.1f} token/s {side.cpu_ms:>6.2f} ms CPU" for side in (lab, bare))
        print(*(f"{side:>31}" for side in sides), f"{lab.rate / bare.rate:>7.3f} {bare.cpu_ms / lab.cpu_ms:>7.3f}")
    print(
        f"median ratio {median(lab.rate / bare.rate for lab, bare in turns):.3f}, "
        f"by CPU {median(bare.cpu_ms / lab.cpu_ms for lab, bare in turns):.3f}; "
        f"first tokens of a round + {median(firsts) * 1e3:.0f} ms"
    )


if __name__ == "__main__":
    asyncio.run(main())
