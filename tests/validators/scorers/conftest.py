"""Models for the scorers that run one: they need the extra `text` and the packaged weights."""

from collections.abc import Iterator

import pytest

from inference.weights import prepare
from subnets.text_prompting import TransformersModel
from validators.scorers.reward import RewardModel


@pytest.fixture(scope="session")
def quiet_models() -> Iterator[None]:
    """No progress bars, and one thread: the texts are short and other tests share the cores."""
    import torch
    import transformers

    transformers.logging.disable_progress_bar()
    transformers.logging.set_verbosity_error()
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="session")
def model() -> TransformersModel:
    """The packaged model, in full precision."""
    return TransformersModel(model="smollm2-135m-instruct", device="cpu", batch_size=16)


@pytest.fixture(scope="session")
def reward_model() -> RewardModel:
    """The small classifier that is trained here, once: no package contains a reward model."""
    prepare("answer-reward")
    return RewardModel(model="answer-reward", device="cpu")
