"""The scorers and samplers that are known by name; validators are found in `strategies`."""

from subnets import Plugins, Scorer

from .sampling import Sampler

SCORERS: Plugins[Scorer] = Plugins(
    sort="scorer",
    group="subnetlab.scorers",
    base=Scorer,  # type: ignore[type-abstract]
    builtin={
        "sections": "subnets.ocr.sections:Sections",
        "tutorial": "subnets.ocr.tutorial:Tutorial",
    },
)

SAMPLERS: Plugins[Sampler] = Plugins(
    sort="sampler",
    group="subnetlab.samplers",
    base=Sampler,  # type: ignore[type-abstract]
    builtin={
        "all": "validators.sampling:All",
        "random_k": "validators.sampling:RandomK",
        "stake_weighted": "validators.sampling:StakeWeighted",
    },
)
