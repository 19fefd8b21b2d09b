"""The check of the model named, on texts of the model, of a damaged copy of it, and of no model."""

import copy
from statistics import mean
from typing import Any

import pytest

from inference.causal import shared_model
from subnets import Score, Task
from subnets.text_prompting import TransformersModel
from tests.validators.scorers.labelled import answered, tasks
from validators.scorers.model_check import ModelCheck

pytestmark = [pytest.mark.models, pytest.mark.usefixtures("quiet_models")]

NAME = "smollm2-135m-instruct"
TOKENS = 40


def written(loaded: Any, model: Any, questions: list[Task], temperature: float) -> list[str]:
    """Answer tasks with a model in one batch, greedily at temperature 0."""
    import torch

    sampling = {"do_sample": True, "temperature": temperature, "top_k": 0, "top_p": 1.0}
    greedy = {"do_sample": False, "temperature": None, "top_k": None, "top_p": None}
    chats = [[{"role": turn.role, "content": turn.content} for turn in task.prompt.messages] for task in questions]
    prompts = [loaded.tokenizer.apply_chat_template(chat, tokenize=False, add_generation_prompt=True) for chat in chats]
    batch = loaded.tokenizer(prompts, add_special_tokens=False, return_tensors="pt", padding=True, padding_side="left")
    torch.manual_seed(0)
    with torch.inference_mode():
        out = model.generate(
            **batch, **(sampling if temperature else greedy), max_new_tokens=TOKENS, min_new_tokens=TOKENS,
            pad_token_id=loaded.tokenizer.pad_token_id,
        )  # fmt: skip
    return loaded.tokenizer.batch_decode(out[:, batch["input_ids"].shape[1] :], skip_special_tokens=True)  # type: ignore[no-any-return]


@pytest.fixture(scope="module")
def questions() -> list[Task]:
    return tasks("instructions", 5)


@pytest.fixture(scope="module")
def cut() -> Any:
    """A copy of the model with four of its thirty layers cut out."""
    other = copy.deepcopy(shared_model(NAME, "cpu", "float32").model)
    del other.model.layers[10:14]
    other.config.num_hidden_layers = len(other.model.layers)
    for place, layer in enumerate(other.model.layers):
        layer.self_attn.layer_idx = place
    return other


def checked(model: TransformersModel, questions: list[Task], texts: list[str], temperature: float) -> list[Score]:
    check = ModelCheck(claimed=NAME, model=model, temperature=temperature)
    return [check.score(task, answered(0, text, NAME)) for task, text in zip(questions, texts, strict=True)]


def test_greedy_texts_pass_only_if_the_very_model_wrote_them(
    model: TransformersModel, questions: list[Task], cut: Any
) -> None:
    loaded = shared_model(NAME, "cpu", "float32")
    own = checked(model, questions, written(loaded, loaded.model, questions, 0.0), 0.0)
    other = checked(model, questions, written(loaded, cut, questions, 0.0), 0.0)
    none = checked(model, questions, [task.reference.text for task in questions], 0.0)
    assert {score.value for score in own} == {1.0}
    assert {score.value for score in other} == {score.value for score in none} == {0.0}


def test_sampled_texts_are_as_surprising_as_expected_and_those_of_a_cut_copy_more(
    model: TransformersModel, questions: list[Task], cut: Any
) -> None:
    loaded = shared_model(NAME, "cpu", "float32")
    own = checked(model, questions, written(loaded, loaded.model, questions, 1.0), 1.0)
    other = checked(model, questions, written(loaded, cut, questions, 1.0), 1.0)
    assert {score.value for score in own} == {1.0}
    # One short text accuses few copies for certain; their mean over tasks tells them apart.
    assert abs(mean(score.parts["z"] for score in own)) < 1.5 < mean(score.parts["z"] for score in other)
