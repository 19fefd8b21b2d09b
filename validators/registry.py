"""The scorers and samplers that are known by name; validators are found in `strategies`."""

from subnets import Plugins, Scorer

from .sampling import Sampler

SCORERS: Plugins[Scorer] = Plugins(
    sort="scorer",
    group="subnetlab.scorers",
    base=Scorer,  # type: ignore[type-abstract]
    builtin={
        "asks": "subnets.text_prompting.truths.inquiry:Asks",
        "calendar": "subnets.text_prompting.truths.day:Calendar",
        "chosen": "subnets.text_prompting.truths.choice:Chosen",
        "criteria": "subnets.text_prompting.truths.criteria:Criteria",
        "echo": "validators.scorers.echo:Echo",
        "edit_similarity": "validators.scorers.similarity:EditSimilarity",
        "embedding": "validators.scorers.embedding:EmbeddingSimilarity",
        "exact": "subnets.text_prompting.truths.phrase:Exact",
        "judge": "validators.scorers.judge:Judge",
        "kept_facts": "subnets.text_prompting.truths.facts:KeptFacts",
        "known_truth": "subnets.text_prompting.truths.truth:KnownTruth",
        "length": "validators.scorers.similarity:Length",
        "log_probability": "validators.scorers.likelihood:MeanLogProbability",
        "model_check": "validators.scorers.model_check:ModelCheck",
        "named": "subnets.text_prompting.truths.phrase:Named",
        "near_duplicates": "validators.scorers.duplicates:NearDuplicates",
        "numeric": "subnets.text_prompting.truths.numeric:Numeric",
        "own_answer": "validators.scorers.own_answer:OwnAnswer",
        "pairwise_judge": "validators.scorers.judge:PairwiseJudge",
        "reward_model": "validators.scorers.reward:RewardModel",
        "rouge": "validators.scorers.similarity:Rouge",
        "rouge_relevance": "validators.scorers.embedding:RougeRelevance",
        "sections": "subnets.ocr.section_f1:Sections",
        "tfidf_cubed": "validators.scorers.tfidf:TfidfCubed",
        "token_f1": "validators.scorers.similarity:TokenF1",
        "tutorial": "subnets.ocr.tutorial:Tutorial",
        "weighted": "validators.scorers.weighted:Weighted",
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
