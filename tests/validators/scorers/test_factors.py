import pytest

from subnets import Message, Prompt, Response, Score, Scorer, Task
from tests.validators.scorers.labelled import answered, tasks
from validators.registry import SCORERS
from validators.scorers.duplicates import NearDuplicates
from validators.scorers.echo import Echo
from validators.scorers.similarity import EditSimilarity, Rouge
from validators.scorers.weighted import Factor, Term, Weighted

LONG = "The old mill by the river was sold in spring, and its new owner painted every door of it green."
OTHER = "Nobody knows who planted the lime trees, but they bloom each June and the bees come from miles around."
PASSAGE = "In winter the ferry does not run. The mayor had the jetty mended with oak from the hills, and " + LONG


def test_copies_share_and_others_keep_what_they_earn() -> None:
    near = LONG.replace("painted every door", "painted each door")
    round_ = [answered(uid, text) for uid, text in enumerate([LONG, OTHER, LONG.upper(), near, "Ostrava", "Ostrava"])]
    shares = [score.value for score in NearDuplicates().score_all(Task(id="1"), round_)]
    assert shares == [1 / 3, 1.0, 1 / 3, 1 / 3, 1.0, 1.0]


def test_an_answer_is_not_a_copy_of_itself() -> None:
    assert NearDuplicates().score_all(Task(id="1"), [answered(0, LONG)]) == [Score(1.0, {"copies": 1.0})]
    assert NearDuplicates().score_all(Task(id="1"), []) == []


def test_independent_summaries_of_different_passages_are_no_copies() -> None:
    round_ = [answered(uid, task.reference.text) for uid, task in enumerate(tasks("summary", 30))]
    assert {score.value for score in NearDuplicates().score_all(Task(id="1"), round_)} == {1.0}


def test_the_prompt_sent_back_is_worth_nothing_and_a_short_quotation_all() -> None:
    task = Task(id="1", prompt=Prompt((Message("user", PASSAGE),)))
    values = [Echo().score(task, answered(0, text)).value for text in (PASSAGE, "the old mill", OTHER + OTHER)]
    assert values == [0.0, 1.0, 1.0]


class Broken(Scorer):
    """Can't grade."""

    def score(self, task: Task, response: Response) -> Score:
        return Score(None, reason="out of order")


TASK = Task(id="1", reference="a b c d")


def test_weights_are_shares_and_factors_cut_by_their_strength() -> None:
    terms = (Term(scorer=Rouge(), weight=3.0), Term(scorer=EditSimilarity(), weight=1.0))
    mean = Weighted(terms=terms).score(TASK, answered(0, "a b"))
    assert mean.parts == {"Rouge": pytest.approx(2 / 3), "EditSimilarity": pytest.approx(3 / 7)}
    assert mean.value == pytest.approx((3 * 2 / 3 + 3 / 7) / 4)
    cut = Weighted(terms=terms, factors=(Factor(scorer=Rouge(variant="1"), strength=0.5),)).score(
        TASK, answered(0, "a b")
    )
    assert cut.value == pytest.approx((mean.value or 0) * (1 - 0.5 * (1 - 2 / 3)))


def test_the_scale_of_the_weights_does_not_matter() -> None:
    grades = [
        Weighted(terms=(Term(scorer=Rouge(), weight=k), Term(scorer=EditSimilarity(), weight=k))).score(
            TASK, answered(0, "a")
        )
        for k in (0.1, 1.0, 50.0)
    ]
    assert len({round(grade.value or 0, 12) for grade in grades}) == 1


def test_what_one_part_can_not_grade_is_unscored_with_its_name() -> None:
    mixed = Weighted(terms=(Term(scorer=Rouge()), Term(scorer=Broken())))
    score = mixed.score(TASK, answered(0, "a b"))
    assert score.value is None and score.reason == "Broken: out of order"


def test_a_task_without_a_reference_is_unscored_only_where_a_part_needs_one() -> None:
    task = Task(id="9", prompt=Prompt((Message("user", "Hi"),)))
    with_need = Weighted(terms=(Term(scorer=Rouge()),)).score(task, answered(0, "x"))
    assert with_need.value is None and "no reference for Rouge" in with_need.reason
    assert Weighted(terms=(Term(scorer=Echo()),)).score(task, answered(0, "x")).value == 1.0


def test_a_weighted_scorer_is_written_and_read_as_a_table() -> None:
    table = {
        "kind": "weighted",
        "terms": [{"scorer": "rouge", "weight": 2}, {"scorer": {"kind": "edit_similarity"}}],
        "factors": [{"scorer": "near_duplicates"}, {"scorer": {"kind": "echo", "allowed": 0.5}, "strength": 0.5}],
    }
    scorer = SCORERS.load(table)
    assert SCORERS.load(SCORERS.spec(scorer)) == scorer


def test_a_recorded_round_is_graded_the_same_again() -> None:
    scorer = SCORERS.load(
        {"kind": "weighted", "terms": [{"scorer": "rouge"}], "factors": [{"scorer": "near_duplicates"}]}
    )
    task = tasks("summary", 1)[0]
    round_ = [answered(uid, text) for uid, text in enumerate((task.reference.text, task.reference.text, OTHER))]
    first = scorer.score_all(task, round_)
    scorer.score_all(tasks("summary", 2)[1], round_)
    assert scorer.score_all(task, round_) == first
