"""The miners and engines that a config can name."""

from collections.abc import Mapping
from typing import Annotated, Any

from subnets import Plugins

from .miner import Engine, Miner

MINERS: Plugins[Miner] = Plugins(
    sort="miner",
    group="subnetlab.miners",
    base=Miner,  # type: ignore[type-abstract]
    builtin={
        "cascade": "miners.ocr:Cascade",
        "copycat": "miners.adversaries:Copycat",
        "crashing": "miners.fakes:Crashing",
        "echo": "miners.fakes:Echo",
        "empty": "miners.adversaries:EmptyAnswer",
        "endless": "miners.adversaries:EndlessAnswer",
        "gocr": "miners.ocr:GocrReader",
        "judge_injection": "miners.adversaries:JudgeInjection",
        "language_model": "miners.prompted:LanguageModel",
        "malformed": "miners.adversaries:Malformed",
        "mirror": "miners.adversaries:Mirror",
        "negated_truth": "miners.adversaries:NegatedTruth",
        "newcomer": "miners.turnover:Newcomer",
        "noisy": "miners.fakes:Noisy",
        "ocrad": "miners.ocr:OcradReader",
        "oracle": "miners.adversaries:Oracle",
        "overclaimer": "miners.adversaries:Overclaimer",
        "padding": "miners.adversaries:Padding",
        "passthrough": "miners.prompted:Passthrough",
        "quitter": "miners.turnover:Quitter",
        "rapidocr": "miners.ocr:RapidocrReader",
        "reader_router": "miners.ocr:ReaderRouter",
        "remote": "miners.remote:Remote",
        "ring": "miners.adversaries:Ring",
        "router": "miners.router:Router",
        "shotgun": "miners.adversaries:Shotgun",
        "gone": "miners.fakes:Gone",
        "silent": "miners.fakes:Silent",
        "slow": "miners.fakes:Slow",
        "template": "miners.template:TemplateMiner",
        "tesseract": "miners.ocr:TesseractReader",
        "tesserocr": "miners.ocr:TesserocrReader",
        "two_faced": "miners.adversaries:TwoFaced",
        "word_salad": "miners.adversaries:WordSalad",
    },
)

ENGINES: Plugins[Engine] = Plugins(
    sort="engine",
    group="subnetlab.engines",
    base=Engine,
    builtin={
        "gocr": "miners.engines.readers.gocr:Gocr",
        "ocr_api": "miners.engines.ocr_api:OcrApi",
        "ocrad": "miners.engines.readers.ocrad:Ocrad",
        "openai": "miners.engines.openai:OpenAI",
        "rapidocr": "miners.engines.readers.rapidocr:Rapidocr",
        "tesseract": "miners.engines.readers.tesseract:Tesseract",
        "tesserocr": "miners.engines.readers.tesserocr:Tesserocr",
        "transformers": "miners.engines.transformers:Transformers",
        "vllm": "miners.engines.vllm:VLLM",
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
    """Build an engine the way `load_miner` builds a miner."""
    return ENGINES.load(spec)
