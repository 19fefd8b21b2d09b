"""The way of a page through a vision-language model, whose weights are random."""

import math
from typing import Any

import pytest

from inference.errors import PromptError
from miners.engines.completion import Request
from miners.engines.transformers import Transformers
from miners.engines.vllm import VLLM
from miners.errors import ImageError
from miners.prompted import LanguageModel
from subnets import Message, Meter, Query
from subnets.ocr import OCRAnswer
from tests.miners.engines.loop import Loop
from tests.miners.language_models import ask, metered

pytestmark = pytest.mark.models

READ = "Read this page."
PIXEL_TOKENS = 17 * 4
"""Tokens of pixels: four for each of 16 tiles and for the whole page."""


def look(image: bytes, **options: object) -> Request:
    return Request((Message("user", READ),), image=image, **options)  # type: ignore[arg-type]


def test_both_engines_write_the_same_about_a_page(
    seeing_transformers: Transformers, seeing_vllm: VLLM, page: bytes, loop: Loop
) -> None:
    request = look(page, max_tokens=8, logprobs=2)
    here, there = (loop.run(metered(engine, request)) for engine in (seeing_transformers, seeing_vllm))
    assert here[0].token_ids == there[0].token_ids and len(here[0].token_ids) == 8
    assert here[0].logprobs == pytest.approx(there[0].logprobs, abs=0.01)
    for completion, cost in (here, there):
        assert completion.usage.input_tokens == cost.input_tokens == here[0].usage.input_tokens > PIXEL_TOKENS
        assert completion.prefill.cpu_s > 0.0 and completion.decode.cpu_s > 0.0
    for engine in (seeing_transformers, seeing_vllm):
        with pytest.raises(PromptError, match="'<image>', which stands for an image"):
            loop.run(engine.generate([Request((Message("user", "<image>"),), image=page)]))
        with pytest.raises(ImageError, match="not a PNG or JPEG image"):
            loop.run(engine.generate([look(b"GIF")]))
        with pytest.raises(PromptError, match=r"takes at most 511|maximum context length is 512"):
            loop.run(engine.generate([Request((Message("user", READ * 40),), image=page)]))
    [text] = loop.run(seeing_vllm.generate([ask(READ, max_tokens=4)]))
    assert text.usage.input_tokens < 40


def test_another_page_gets_another_answer_and_company_changes_none(
    seeing_transformers: Transformers, page: bytes, dense_page: bytes, loop: Loop
) -> None:
    requests = [
        look(page, logprobs=0, max_tokens=6),
        look(dense_page, logprobs=0, max_tokens=4),
        ask(READ, max_tokens=5),
    ]
    together = loop.run(seeing_transformers.generate(requests))
    alone = [loop.run(seeing_transformers.generate([request]))[0] for request in requests]
    assert [answer.token_ids for answer in together] == [answer.token_ids for answer in alone]
    assert [len(answer.token_ids) for answer in together] == [6, 4, 5]
    assert together[0].logprobs[:4] != pytest.approx(together[1].logprobs, abs=1e-6)
    assert together[0].usage.input_tokens > 3 * together[2].usage.input_tokens


def test_seeds_stop_strings_and_charges_are_the_requests_own(
    seeing_transformers: Transformers, page: bytes, loop: Loop
) -> None:
    def sampled(seed: int) -> Request:
        return look(page, temperature=1.0, seed=seed, max_tokens=8)

    before = seeing_transformers.attribution.charged.cpu_s
    first, again, other = loop.run(seeing_transformers.generate([sampled(1), sampled(1), sampled(2)]))
    assert first.token_ids == again.token_ids != other.token_ids
    used_s = seeing_transformers.attribution.charged.cpu_s - before
    assert math.fsum(answer.cost.cpu_s for answer in (first, again, other)) == pytest.approx(used_s)
    letter = next(letter for letter in first.text if letter.isalnum())
    [stopped] = loop.run(
        seeing_transformers.generate([look(page, temperature=1.0, seed=1, max_tokens=8, stop=(letter,))])
    )
    assert stopped.finish == "stop" and stopped.text == first.text.partition(letter)[0]


def test_a_language_model_reads_pages_of_the_ocr_subnet(
    seeing_transformers: Transformers, query: Query, loop: Loop
) -> None:
    miner = LanguageModel(engine=seeing_transformers, form="deepseek", system="Be exact.", max_tokens=12)
    meter = Meter()
    answer: Any = loop.run(meter.run(miner.forward(query)))
    assert isinstance(answer, OCRAnswer) and answer.output_tokens == 12
    assert meter.cost.output_tokens == 12 and meter.cost.input_tokens > PIXEL_TOKENS


def test_boxes_are_mapped_back_from_the_size_to_which_qwens_processor_resizes_a_page() -> None:
    from PIL import Image
    from transformers import Qwen2VLImageProcessorPil

    from inference.vision import Vision

    class Processor:
        image_processor = Qwen2VLImageProcessorPil(max_pixels=200_000)

    for size in ((1000, 1333), (90, 40), (640, 640)):
        grid = Processor.image_processor(Image.new("RGB", size), return_tensors="np")["image_grid_thw"][0]
        assert Vision(Processor, "qwen").seen_size(size) == (14 * grid[2], 14 * grid[1])
