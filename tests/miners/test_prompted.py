import asyncio

import pytest

from cluster.hosts.host import Host
from miners import Miner, load_miner
from miners.engines.transformers import Transformers
from miners.engines.vllm import VLLM
from miners.errors import EngineDied
from miners.prompted import LanguageModel
from subnets import Answer, Message, Prompt, Query, load_subnet
from tests.miners.engines.loop import Loop
from tests.miners.language_models import CAPITAL, MODEL

pytestmark = pytest.mark.models

SMALL = {"kind": "transformers", "device": "cpu", "layers": 2}
QUERY = Query("00aa", "text_prompting", Prompt((Message("user", CAPITAL),), max_tokens=12))


def miner(engine: Transformers | VLLM, kind: str = "language_model", **options: object) -> Miner:
    """Make a miner that uses an engine which is open already."""
    loaded = load_miner({"kind": kind, "engine": engine, **options})
    return loaded.sharing({engine.key: engine})


def answer_of(loop: Loop, asked: Miner, query: Query = QUERY) -> Answer:
    answer = loop.run(asked.forward(query))  # type: ignore[arg-type]
    assert isinstance(answer, Answer)
    return answer


def test_a_language_model_names_its_model_and_its_tokens(transformers_engine: Transformers, loop: Loop) -> None:
    answer = answer_of(loop, miner(transformers_engine))
    assert answer == Answer(text="The capital of France is Paris.", model=MODEL, output_tokens=8)


def test_the_querys_bound_on_an_answer_holds_and_so_does_the_miners_own(
    transformers_engine: Transformers, loop: Loop
) -> None:
    assert answer_of(loop, miner(transformers_engine, max_tokens=3)).output_tokens == 3
    assert answer_of(loop, miner(transformers_engine, max_tokens=500)).output_tokens == 8


def test_a_system_prompt_comes_first_and_a_shortened_context_loses_its_beginning() -> None:
    prompted = load_miner({"kind": "language_model", "system": "Be brief.", "reads": 0.5})
    assert isinstance(prompted, LanguageModel)
    assert prompted.request(QUERY).messages == (Message("system", "Be brief."), Message("user", CAPITAL[-15:]))


def test_what_is_sampled_hangs_on_the_miners_seed_and_the_query(transformers_engine: Transformers, loop: Loop) -> None:
    def text(seed: int, query_id: str) -> str:
        query = Query(query_id, "", Prompt((Message("user", "Tell me a story."),), max_tokens=10))
        return answer_of(loop, miner(transformers_engine, temperature=1.0, seed=seed), query).text

    assert text(1, "00aa") == text(1, "00aa")
    assert len({text(seed, query_id) for seed in (1, 2) for query_id in ("00aa", "00ab")}) == 4


def test_padding_draws_the_same_answer_out(transformers_engine: Transformers, loop: Loop) -> None:
    plain, padded = answer_of(loop, miner(transformers_engine)), answer_of(loop, miner(transformers_engine, "padding"))
    assert plain.text in padded.text and len(padded.text) > 10 * len(plain.text)


def test_a_mirror_says_what_the_validators_model_says(transformers_engine: Transformers, loop: Loop) -> None:
    assert answer_of(loop, miner(transformers_engine, "mirror")) == answer_of(loop, miner(transformers_engine))


def test_miners_of_a_host_share_one_engine_and_each_has_its_own_bill(loop: Loop) -> None:
    host = Host("text", {uid: load_miner({"kind": "language_model", "engine": SMALL, "seed": uid}) for uid in range(4)})

    async def asked() -> list[object]:
        await host.open()
        try:
            return list(await asyncio.gather(*(host.serve(uid, QUERY) for uid in range(4))))
        finally:
            await host.close()

    assert len({id(each.engine) for each in host._miners.values()}) == 1  # type: ignore[attr-defined]
    responses = loop.run(asked())
    for response in responses:
        assert response.fault is None, response  # type: ignore[attr-defined]
        assert response.cost.cpu_s > 0.0 and response.cost.output_tokens == 12  # type: ignore[attr-defined]


def test_the_ladder_is_ordered_by_accuracy_on_the_truth(vllm_engine: VLLM, loop: Loop) -> None:
    subnet = load_subnet({"kind": "text_prompting", "mix": {"extractive": 1.0}, "passage_sentences": [6, 8]})
    tasks = [subnet.task(seed) for seed in range(32)]

    async def accuracy(**options: float) -> float:
        asked = miner(vllm_engine, max_tokens=16, **options)
        answers = await asyncio.gather(*(asked.forward(task.query()) for task in tasks))
        qualities = [subnet.quality(task, answer) for task, answer in zip(tasks, answers, strict=True)]  # type: ignore[arg-type]
        return sum(quality or 0.0 for quality in qualities) / len(tasks)

    plain, hot, without_context = (
        loop.run(accuracy(**options)) for options in ({}, {"temperature": 1.5}, {"reads": 0.3})
    )
    assert plain > max(hot, without_context) + 0.1, (plain, hot, without_context)


def test_an_error_of_an_engine_pickles() -> None:
    import pickle

    assert str(pickle.loads(pickle.dumps(EngineDied("process 7 ended")))) == "process 7 ended"
