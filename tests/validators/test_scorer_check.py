import pytest

from subnets import PluginError, Subnet, load_subnet
from validators import SCORERS, check_scorer
from validators.registry import join_names


@pytest.fixture
def ocr() -> Subnet:
    return load_subnet("ocr")


def test_a_scorer_of_another_subnet_is_refused_with_what_is_allowed(ocr: Subnet) -> None:
    with pytest.raises(
        PluginError, match=r"scorer 'own_answer' grades .* text_prompting, .* is ocr; allowed: sections, tutorial, or"
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
