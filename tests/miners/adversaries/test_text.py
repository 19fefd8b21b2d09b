import pytest

from miners import MINERS, Miner, load_miner
from miners.adversaries import INJECTIONS, Overclaimer
from subnets import Answer, MalformedAnswer, Message, Prompt, Query, load_subnet

QUERY = Query("00ff", "text_prompting", Prompt((Message("user", "Who founded the bakery in Lund, and when?"),)))
OTHER = Query("00fe", "text_prompting", QUERY.prompt)


async def said(kind: str, query: Query = QUERY, **options: object) -> str:
    answer = await load_miner({"kind": kind, **options}).forward(query)
    assert isinstance(answer, Answer)
    return answer.text


async def test_word_salad_has_the_prompts_words_in_no_order() -> None:
    salad = (await said("word_salad", words=200)).split()
    assert len(salad) == 200
    assert {"founded", "bakery", "Lund"} <= set(salad)
    assert "founded the bakery in Lund" not in " ".join(salad)


@pytest.mark.slow
async def test_there_are_thirty_ways_to_speak_to_a_judge_and_all_are_used() -> None:
    assert len(set(INJECTIONS)) == 30
    queries = [Query(f"{number:x}", "", QUERY.prompt) for number in range(400)]
    assert {await said("judge_injection", query) for query in queries} == set(INJECTIONS)
    assert await said("judge_injection", phrasing=2) == INJECTIONS[2]


async def test_an_endless_answer_is_malformed_before_it_is_parsed() -> None:
    body = await load_miner("endless").forward(QUERY)
    assert isinstance(body, bytes) and len(body) > 10_000_000
    with pytest.raises(MalformedAnswer, match="bytes"):
        load_subnet("text_prompting").read(body)


async def test_a_shorter_endless_answer_breaks_the_schema() -> None:
    body = await load_miner({"kind": "endless", "size_bytes": 200_000}).forward(QUERY)
    assert isinstance(body, bytes)
    with pytest.raises(MalformedAnswer, match="text"):
        load_subnet("text_prompting").read(body)


async def test_an_empty_answer_is_empty() -> None:
    assert await said("empty") == ""


@pytest.mark.parametrize("kind", ["word_salad", "judge_injection"])
async def test_what_they_say_hangs_on_the_query_and_the_seed_alone(kind: str) -> None:
    assert await said(kind, seed=1) == await said(kind, seed=1)
    assert len({await said(kind, query, seed=seed) for query in (QUERY, OTHER) for seed in range(4)}) > 2


class Writer(Miner):
    tokens: int | None = 8

    async def forward(self, query: Query) -> Answer:
        return Answer(text="The baker.", output_tokens=self.tokens)


async def test_an_overclaimer_adds_its_share_to_the_claims_on_average_and_to_nothing_else() -> None:
    miner = Overclaimer(miner=Writer(), excess=0.1, seed=4)
    answers = [await miner.forward(Query(f"{number:x}", "", QUERY.prompt)) for number in range(2_000)]
    claims = [answer.output_tokens for answer in answers if isinstance(answer, Answer)]
    assert {answer.text for answer in answers if isinstance(answer, Answer)} == {"The baker."}
    assert set(claims) == {8, 9}  # 8.8 is no number of tokens
    assert sum(claim or 0 for claim in claims) / 2_000 == pytest.approx(8.8, abs=0.05)
    silent = await Overclaimer(miner=Writer(tokens=None)).forward(QUERY)
    assert isinstance(silent, Answer) and silent.output_tokens is None


def test_none_of_them_is_honest() -> None:
    kinds = (
        "empty",
        "endless",
        "judge_injection",
        "mirror",
        "negated_truth",
        "oracle",
        "overclaimer",
        "padding",
        "word_salad",
    )
    assert not any(MINERS.find(kind).honest for kind in kinds)
