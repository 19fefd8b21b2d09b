"""The scorers, samplers and ledgers known by name; `weights` and `strategies` have the other registries."""

from collections.abc import Iterable, Mapping

from subnets import SUBNETS, PluginError, Plugins, Scorer

from .ledger import LedgerKind
from .sampling import Sampler

GENERAL_SCORERS = {
    "cascade": "validators.scorers.cascade:Cascade",
    "echo": "validators.scorers.echo:Echo",
    "edit_similarity": "validators.scorers.similarity:EditSimilarity",
    "embedding": "validators.scorers.embedding:EmbeddingSimilarity",
    "exact": "validators.scorers.similarity:Exact",
    "judge": "validators.scorers.judge:Judge",
    "jury": "validators.scorers.jury:Jury",
    "length": "validators.scorers.similarity:Length",
    "log_probability": "validators.scorers.likelihood:MeanLogProbability",
    "model_check": "validators.scorers.model_check:ModelCheck",
    "near_duplicates": "validators.scorers.duplicates:NearDuplicates",
    "pairwise_judge": "validators.scorers.judge:PairwiseJudge",
    "reward_model": "validators.scorers.reward:RewardModel",
    "rouge": "validators.scorers.similarity:Rouge",
    "rouge_relevance": "validators.scorers.embedding:RougeRelevance",
    "tfidf_cubed": "validators.scorers.tfidf:TfidfCubed",
    "token_f1": "validators.scorers.similarity:TokenF1",
    "weighted": "validators.scorers.weighted:Weighted",
}
"""Scorers for any subnet whose answers are text."""


def join_names(tables: Iterable[Mapping[str, str]]) -> dict[str, str]:
    """Join tables of "module:Class" by name; raises PluginError if one name stands for two classes."""
    joined: dict[str, str] = {}
    for table in tables:
        for name, source in table.items():
            if joined.setdefault(name, source) != source:
                raise PluginError(f"scorer {name!r} names both {joined[name]} and {source}; rename one of them")
    return joined


SUBNET_SCORERS = join_names(SUBNETS.find(kind).scorers for kind in SUBNETS.builtin)
"""Scorers that the built-in subnets list; they grade by the references of their own subnet."""

SCORERS: Plugins[Scorer] = Plugins(
    sort="scorer",
    group="subnetlab.scorers",
    base=Scorer,  # type: ignore[type-abstract]
    builtin=join_names((GENERAL_SCORERS, SUBNET_SCORERS)),
)

SAMPLERS: Plugins[Sampler] = Plugins(
    sort="sampler",
    group="subnetlab.samplers",
    base=Sampler,  # type: ignore[type-abstract]
    builtin={
        "all": "validators.sampling:All",
        "by_ledger": "validators.sampling:ByLedger",
        "random_k": "validators.sampling:RandomK",
        "stake_weighted": "validators.sampling:StakeWeighted",
    },
)

LEDGERS: Plugins[LedgerKind] = Plugins(
    sort="ledger",
    group="subnetlab.ledgers",
    base=LedgerKind,  # type: ignore[type-abstract]
    builtin={"watchful": "validators.watchful:Watchful"},
)
