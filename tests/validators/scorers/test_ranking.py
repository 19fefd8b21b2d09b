"""A better answer outranks a worse one: the area under the curve of each scorer that needs no model.

The bounds stand some points below what was measured over 100 tasks; where a scorer can't tell, that is asserted too.
"""

import pytest

from subnets import Scorer
from subnets.text_prompting import KeptFacts, KnownTruth, Named
from tests.validators.scorers.labelled import auc, fuller, names, ordered
from validators.scorers.similarity import EditSimilarity, Exact, Rouge, TokenF1
from validators.scorers.tfidf import TfidfCubed

TRUTHFUL: list[Scorer] = [Exact(), Named(), KnownTruth()]
ALIKE: list[Scorer] = [EditSimilarity(), TokenF1(), Rouge(), Rouge(variant="1")]


@pytest.mark.parametrize("scorer", [*TRUTHFUL, *ALIKE, TfidfCubed()], ids=lambda s: s.key.split(":")[1][:24])
def test_a_right_name_outranks_a_wrong_one(scorer: Scorer) -> None:
    assert auc(scorer, names(60)) > 0.95


@pytest.mark.parametrize("scorer", [KeptFacts(), KnownTruth(), *ALIKE], ids=lambda s: s.key.split(":")[1][:24])
def test_a_true_summary_outranks_one_of_other_facts(scorer: Scorer) -> None:
    assert auc(scorer, fuller(60)) > 0.95


@pytest.mark.parametrize("scorer", [KeptFacts(), EditSimilarity(), Rouge()], ids=lambda s: s.key.split(":")[1][:24])
def test_a_summary_outranks_its_words_in_disorder(scorer: Scorer) -> None:
    assert auc(scorer, ordered(60)) > 0.95


@pytest.mark.parametrize(
    "scorer", [TokenF1(), Rouge(variant="1"), TfidfCubed()], ids=lambda s: s.key.split(":")[1][:24]
)
def test_a_bag_of_words_can_not_tell_disorder(scorer: Scorer) -> None:
    assert auc(scorer, ordered(60)) == pytest.approx(0.5, abs=0.02)
