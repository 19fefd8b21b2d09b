"""The miners and engines that are known by name."""

from collections.abc import Mapping
from typing import Annotated, Any

from subnets import Plugins

from .miner import Engine, Miner

MINERS: Plugins[Miner] = Plugins(
    sort="miner",
    group="subnetlab.miners",
    base=Miner,  # type: ignore[type-abstract]
    builtin={
        "copycat": "miners.adversaries:Copycat",
        "crashing": "miners.fakes:Crashing",
        "echo": "miners.fakes:Echo",
        "empty": "miners.text_adversaries:EmptyAnswer",
        "endless": "miners.text_adversaries:EndlessAnswer",
        "judge_injection": "miners.text_adversaries:JudgeInjection",
        "language_model": "miners.prompted:LanguageModel",
        "malformed": "miners.malformed:Malformed",
        "mirror": "miners.text_adversaries:Mirror",
        "negated_truth": "miners.insider:NegatedTruth",
        "noisy": "miners.noisy:Noisy",
        "oracle": "miners.insider:Oracle",
        "overclaimer": "miners.text_adversaries:Overclaimer",
        "padding": "miners.text_adversaries:Padding",
        "passthrough": "miners.prompted:Passthrough",
        "remote": "miners.remote:Remote",
        "router": "miners.router:Router",
        "shotgun": "miners.adversaries:Shotgun",
        "silent": "miners.fakes:Silent",
        "slow": "miners.fakes:Slow",
        "tesseract": "miners.ocr:TesseractReader",
        "tesserocr": "miners.ocr:TesserocrReader",
        "word_salad": "miners.text_adversaries:WordSalad",
    },
)

ENGINES: Plugins[Engine] = Plugins(
    sort="engine",
    group="subnetlab.engines",
    base=Engine,
    builtin={
        "openai": "miners.openai:OpenAI",
        "tesseract": "miners.tesseract:Tesseract",
        "tesserocr": "miners.tesserocr:Tesserocr",
        "transformers": "miners.transformers:Transformers",
        "vllm": "miners.vllm:VLLM",
    },
)


AnyEngine = Annotated[Engine, *ENGINES.field()]
"""A field of a miner that takes an engine, by name or as a table."""

AnyMiner = Annotated[Miner, *MINERS.field()]
"""A field of a miner that takes another miner."""


def load_miner(spec: str | Mapping[str, Any]) -> Miner:
    """Build a miner from its name, "module:Class", or a table with `kind` and options.

    Raises:
        PluginError: unknown name, failing import, or a wrong option.
    """
    return MINERS.load(spec)


def load_engine(spec: str | Mapping[str, Any]) -> Engine:
    """Build an engine, as `load_miner` does a miner."""
    return ENGINES.load(spec)
