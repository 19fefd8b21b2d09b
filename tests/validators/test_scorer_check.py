import pytest

from subnets import PluginError, Subnet, load_subnet
from validators import SCORERS, check_scorer


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
