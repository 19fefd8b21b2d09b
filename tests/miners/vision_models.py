"""A vision-language model with random weights: it sees pages, and its answers mean nothing."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from miners.engines.transformers import Transformers
from miners.engines.vllm import VLLM
from tests.miners.engines.loop import Loop

CONTEXT = 512
TILE = 56
"""Side of the square tiles into which the processor cuts an image, in pixels."""
TEMPLATE = (
    "{% for message in messages %}<|{{ message.role }}|>{% if message.content is string %}{{ message.content }}"
    "{% else %}{% for part in message.content %}{{ '<image>' if part.type == 'image' else part.text }}{% endfor %}"
    "{% endif %}<end_of_utterance>\n{% endfor %}{% if add_generation_prompt %}<|assistant|>{% endif %}"
)


def make_model(folder: Path) -> Path:
    """Write an Idefics3, as SmolVLM and Granite-Docling are, with a tokenizer of single bytes."""
    import torch
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import (
        Idefics3Config,
        Idefics3ForConditionalGeneration,
        Idefics3ImageProcessorPil,
        Idefics3Processor,
        PreTrainedTokenizerFast,
    )

    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    characters = Tokenizer(models.BPE({letter: number for number, letter in enumerate(letters)}, []))
    characters.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    characters.decoder = decoders.ByteLevel()
    tiles = [f"<row_{row}_col_{column}>" for row in range(1, 7) for column in range(1, 7)]
    markers = ["<fake_token_around_image>", "<image>", "<global-img>", "<|system|>", "<|user|>", "<|assistant|>"]
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=characters,
        eos_token="<end_of_utterance>",
        pad_token="<pad>",
        additional_special_tokens=markers + tiles,
    )
    images = Idefics3ImageProcessorPil(size={"longest_edge": 4 * TILE}, max_image_size={"longest_edge": TILE})
    processor = Idefics3Processor(images, tokenizer, image_seq_len=4, chat_template=TEMPLATE)
    processor.save_pretrained(folder)
    small = {"hidden_size": 64, "intermediate_size": 64, "num_hidden_layers": 1, "num_attention_heads": 1}
    ends = {"eos_token_id": tokenizer.eos_token_id, "pad_token_id": tokenizer.pad_token_id}
    writer = {"vocab_size": len(tokenizer), "num_key_value_heads": 1, "max_position_embeddings": CONTEXT}
    config = Idefics3Config(
        image_token_id=tokenizer.convert_tokens_to_ids("<image>"),
        pad_token_id=tokenizer.pad_token_id,
        scale_factor=2,
        vision_config=small | {"image_size": TILE, "patch_size": 14},
        text_config=small | writer | ends | {"model_type": "llama", "bos_token_id": None},
    )
    torch.manual_seed(0)
    model = Idefics3ForConditionalGeneration(config)
    model.generation_config.eos_token_id = tokenizer.eos_token_id
    model.save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def vision_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_model(tmp_path_factory.mktemp("vision"))


@pytest.fixture(scope="session")
def seeing_transformers(vision_folder: Path, loop: Loop) -> Iterator[Transformers]:
    engine = Transformers(model=str(vision_folder), device="cpu")
    loop.run(engine.open())
    yield engine
    loop.run(engine.close())


@pytest.fixture(scope="session")
def seeing_vllm(vision_folder: Path, loop: Loop) -> Iterator[VLLM]:
    engine = VLLM(model=str(vision_folder), device="cpu")
    loop.run(engine.open())
    yield engine
    loop.run(engine.close())
