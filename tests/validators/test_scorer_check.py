"""Scorers that can't grade are refused before they fail on every answer."""

from collections.abc import Sequence

import pytest

from cluster.hosts.validator_worker import ValidatorWorker
from inference.errors import ModelError
from subnets import PluginError, Scorer, Subnet, load_subnet
from subnets.language_model import Conversation, LanguageModel
from validators import SCORERS, Validator, check_scorer, open_scorer
from validators.registry import join_names
from validators.scorers.judge import Judge, PairwiseJudge
from validators.scorers.similarity import Exact
from validators.scorers.weighted import Weighted


@pytest.fixture
def ocr() -> Subnet:
    return load_subnet("ocr")


def test_a_scorer_of_another_subnet_is_refused_with_what_is_allowed(ocr: Subnet) -> None:
    with pytest.raises(
        PluginError, match=r"scorer 'own_answer' grades .* text_prompting, .* is ocr; allowed: .*sections, tutorial, or"
    ):
        check_scorer(SCORERS.load("own_answer"), ocr)


def test_a_part_of_a_weighted_scorer_is_checked_too(ocr: Subnet) -> None:
    scorer = SCORERS.load({"kind": "weighted", "terms": [{"scorer": "sections"}], "factors": [{"scorer": "numeric"}]})
    with pytest.raises(PluginError, match="numeric"):
        check_scorer(scorer, ocr)


@pytest.mark.parametrize("kind", ["sections", "tutorial", "rouge", "exact"])
def test_a_subnets_own_scorers_and_the_general_ones_are_accepted(kind: str, ocr: Subnet) -> None:
    check_scorer(SCORERS.load(kind), ocr)


def test_a_subclass_of_a_subnet_keeps_its_scorers() -> None:
    class Pages(type(load_subnet("ocr"))):  # type: ignore[misc]
        name = "pages"

    check_scorer(SCORERS.load("sections"), Pages())


def test_scorers_of_a_plug_in_subnet_are_named_by_their_class() -> None:
    class Maps(type(load_subnet("ocr"))):  # type: ignore[misc]
        name = "maps"
        scorers = {"places": "maps.places:Places"}

    with pytest.raises(PluginError, match=r"this one is maps; allowed: maps\.places:Places, or"):
        check_scorer(SCORERS.load("own_answer"), Maps())


def test_a_scorer_name_that_stands_for_two_classes_is_refused() -> None:
    with pytest.raises(PluginError, match="scorer 'exact' names both one:Exact and two:Exact"):
        join_names(({"exact": "one:Exact"}, {"exact": "two:Exact"}))


class Missing(LanguageModel):
    """A model that is not there."""

    def open(self) -> None:
        raise ModelError("mini is not on this machine; get it with: subnetlab models prepare mini")

    def complete(self, conversations: Sequence[Conversation], max_tokens: int) -> list[str]:
        raise AssertionError("it was asked")


@pytest.mark.parametrize(
    ("scorer", "kind"),
    [
        (Judge(model=Missing()), "judge"),
        (PairwiseJudge(model=Missing()), "pairwise_judge"),
        (Weighted(terms=({"scorer": Judge(model=Missing())},)), "weighted"),
    ],
    ids=["judge", "pair", "part"],
)
def test_a_scorer_whose_model_is_missing_is_refused_by_name_before_it_grades(scorer: Scorer, kind: str) -> None:
    with pytest.raises(PluginError, match=f"scorer '{kind}': mini is not on this machine; get it with"):
        open_scorer(scorer)
    worker = ValidatorWorker(load_subnet("text_prompting"), {0: Validator(), 1: Validator(scorer=scorer)})
    with pytest.raises(PluginError, match=f"scorer '{kind}': mini is not"):
        worker.warm()


def test_an_error_of_a_library_is_one_line_with_the_name_of_the_scorer() -> None:
    class Broken(Exact):
        def open(self) -> None:
            raise OSError("no such file\nand a traceback")

    with pytest.raises(PluginError, match="^scorer '.*Broken' can't be opened: OSError: no such file$"):
        open_scorer(Broken())


def test_a_scorer_without_a_model_opens() -> None:
    open_scorer(SCORERS.load({"kind": "near_duplicates"}))
