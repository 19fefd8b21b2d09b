"""The scorer `sections`."""

import random
import time
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from subnets import Answer, PluginError, Response, Task
from subnets.ocr import MAX_SECTIONS, OCR, Font, Line, OCRAnswer, Page, Section, Sections
from subnets.ocr.section_f1 import overlap
from validators import SCORERS

from .conftest import page_task

OURS = Sections()
FONT = Font(family="Lato", size=20.0)
Box = tuple[float, float, float, float]


def section(text: str, box: Box) -> Section:
    return Section(text=text, box=box)


def task_of(*sections: Section) -> Task:
    lines = []
    for part in sections:
        x1, y1, x2, y2 = part.box
        lines.append(Line(part.text, ((x1, y1), (x2, y1), (x2, y2), (x1, y2)), FONT))
    return Task(id="1", reference=Page(1000, 1000, tuple(lines)))


def grade(task: Task, *sections: Section, scorer: Sections = OURS, latency_s: float = 0.0) -> float:
    answer = OCRAnswer(sections=sections)
    value = scorer.score(task, Response(uid=0, answer=answer, latency_s=latency_s)).value
    assert value is not None
    return value


A, B, C = (
    section("Hello World", (10, 10, 110, 30)),
    section("Total", (10, 50, 60, 70)),
    section("7", (300, 10, 310, 30)),
)
TASK = task_of(A, B, C)


def test_every_section_right_is_worth_exactly_one() -> None:
    assert grade(TASK, A, B, C) == 1.0


def test_an_empty_answer_is_worth_nothing_and_says_so() -> None:
    score = Sections().score(TASK, Response(uid=0, answer=OCRAnswer()))
    assert (score.value, score.reason) == (0.0, "no sections")


def test_a_missed_section_costs_recall_alone() -> None:
    score = Sections().score(TASK, Response(uid=0, answer=OCRAnswer(sections=(A, B))))
    assert score.parts["precision"] == 1.0
    assert score.parts["recall"] == pytest.approx(2 / 3)
    assert (score.parts["missed"], score.parts["spurious"]) == (1.0, 0.0)
    assert score.value == pytest.approx(0.8)


def test_a_spurious_section_costs_as_much_as_a_missed_one() -> None:
    assert grade(task_of(A, B, C), A, B) == grade(task_of(A, B), A, B, C)


def test_a_section_sent_twice_counts_once_and_costs_once() -> None:
    assert grade(TASK, A, A, B, C) == pytest.approx(2 * 3 / 7)


def test_the_right_text_in_the_wrong_place_is_worth_nothing() -> None:
    assert grade(task_of(A), section(A.text, (500, 500, 600, 520))) == 0.0


def test_the_right_box_around_the_wrong_text_is_worth_nothing() -> None:
    assert grade(task_of(A), section("xyz", A.box)) == 0.0


def test_a_pair_below_the_minimum_does_not_match() -> None:
    most = section("Hello Wo", A.box)
    assert grade(task_of(A), most) == pytest.approx((8 / 11) ** 0.7)
    assert grade(task_of(A), most, scorer=Sections(min_similarity=0.9)) == 0.0


def test_weights_are_used_in_matching_as_in_the_value() -> None:
    # Two readings claim one box: the better text wins, or where boxes weigh all, the better box.
    loose = section("Hello World", (10, 10, 110, 36))
    tight = section("Hallo Warld", (10, 10, 110, 30))
    text = Sections(text_weight=1.0, box_weight=0.0).score(
        task_of(A), Response(uid=0, answer=OCRAnswer(sections=(loose, tight)))
    )
    box = Sections(text_weight=0.0, box_weight=1.0).score(
        task_of(A), Response(uid=0, answer=OCRAnswer(sections=(loose, tight)))
    )
    assert text.parts["text"] == 1.0
    assert box.parts["box"] == 1.0


def test_without_weight_on_boxes_they_do_not_matter() -> None:
    elsewhere = [section(part.text, (900, 900, 901, 901)) for part in (A, B, C)]
    assert grade(TASK, *elsewhere, scorer=Sections(box_weight=0.0)) == 1.0


def test_matching_is_the_best_for_the_page_not_for_each_section() -> None:
    # Greedy matching would give "aaaa" to the first and leave the second with nothing.
    box = (0.0, 0.0, 100.0, 20.0)
    task = task_of(section("aaaa", box), section("aaab", box))
    scorer = Sections(text_weight=1.0, box_weight=0.0)
    assert grade(task, section("aaaa", box), section("aaca", box), scorer=scorer) == pytest.approx((0.75 + 0.75) / 2)


def test_forms_of_letters_and_spaces_are_folded() -> None:
    task = task_of(section("fine ½ print", A.box))
    assert grade(task, section("\ufb01ne  \u00bd\u00a0print ", A.box)) == 1.0


def test_boxes_overlap_in_floats_without_a_free_pixel() -> None:
    same, half, apart, touching = (0.0, 0.0, 0.2, 0.1), (0.1, 0.0, 0.3, 0.1), (0.5, 0.5, 0.6, 0.6), (0.2, 0.0, 0.4, 0.1)
    assert overlap([same], [same, half, apart, touching])[0].tolist() == pytest.approx([1.0, 1 / 3, 0.0, 0.0])


def test_speed_counts_only_when_asked_for_and_only_as_a_factor() -> None:
    assert grade(TASK, A, B, C, latency_s=100.0) == 1.0
    assert grade(TASK, A, B, C, scorer=Sections(half_life_s=2.0), latency_s=2.0) == pytest.approx(0.5)
    assert grade(TASK, scorer=Sections(half_life_s=2.0)) == 0.0


def test_an_answer_of_another_schema_is_worth_nothing() -> None:
    assert Sections().score(TASK, Response(uid=0, answer=Answer(text="Hello World Total 7"))).value == 0.0


def test_a_task_without_a_page_is_unscored() -> None:
    assert Sections().score(replace(TASK, reference="text"), Response(uid=0, answer=OCRAnswer())).value is None


def test_weights_of_zero_are_refused() -> None:
    with pytest.raises(PluginError, match="text_weight and box_weight are both 0"):
        SCORERS.load({"kind": "sections", "text_weight": 0, "box_weight": 0})


def test_the_most_junk_that_is_read_is_graded_in_a_bounded_time() -> None:
    task = page_task("invoice")
    junk = tuple(section("junk " * 5, (0, 0, 1000, 1333)) for _ in range(MAX_SECTIONS))
    near = tuple(section(line.text, line.box) for line in task.reference.lines) * (MAX_SECTIONS // 100)
    for sections in (junk, near):
        grade(task, *sections)
        started = time.thread_time()
        grade(task, *sections)
        assert time.thread_time() - started < 0.2


def test_more_sections_than_the_schema_reads_change_nothing_but_precision() -> None:
    crowded = OCRAnswer.model_construct(sections=(A,) * 5_000)
    assert Sections().score(TASK, Response(uid=0, answer=crowded)).value == pytest.approx(2 / 5_003)


# Properties

texts = st.text(st.characters(codec="utf-8", exclude_categories=("Cs",)), min_size=1, max_size=20)
spans = st.tuples(st.floats(-50, 1000), st.floats(0.5, 300))


@st.composite
def answered_sections(draw: st.DrawFn) -> Section:
    (x, width), (y, height) = draw(spans), draw(spans)
    return Section(text=draw(texts), box=(x, y, x + width, y + height))


some = st.lists(answered_sections(), min_size=1, max_size=8)


@settings(max_examples=60)
@given(some, st.lists(answered_sections(), max_size=8), st.floats(0, 1), st.floats(0.1, 1), st.floats(0, 1))
def test_any_answer_is_graded_within_bounds(
    truth: list[Section], answer: list[Section], text: float, box: float, minimum: float
) -> None:
    scorer = Sections(text_weight=text, box_weight=box, min_similarity=minimum)
    score = scorer.score(task_of(*truth), Response(uid=0, answer=OCRAnswer(sections=tuple(answer))))
    assert score.value is not None and 0.0 <= score.value <= 1.0
    assert all(value >= 0.0 for value in score.parts.values())


@settings(max_examples=60)
@given(some)
def test_truth_is_always_worth_exactly_one(truth: list[Section]) -> None:
    readable = [part for part in truth if part.text.split()]
    if readable:
        assert grade(task_of(*readable), *readable) == 1.0


@settings(max_examples=60)
@given(some, some, st.randoms(use_true_random=False))
def test_the_order_of_sections_does_not_matter(
    truth: list[Section], answer: list[Section], order: random.Random
) -> None:
    shuffled_truth, shuffled = order.sample(truth, len(truth)), order.sample(answer, len(answer))
    assert grade(task_of(*truth), *answer) == pytest.approx(grade(task_of(*shuffled_truth), *shuffled))


@settings(max_examples=60)
@given(some, some)
def test_truth_and_answer_may_change_places(truth: list[Section], answer: list[Section]) -> None:
    assert grade(task_of(*truth), *answer) == pytest.approx(grade(task_of(*answer), *truth))


@settings(max_examples=40)
@given(some, answered_sections())
def test_one_more_spurious_section_never_pays(truth: list[Section], junk: Section) -> None:
    far = Section(text=junk.text, box=(5_000, 5_000, 5_010, 5_010))
    assert grade(task_of(*truth), *truth, far) < 1.0


def spoiled(parts: tuple[Section, ...], rate: float, rng: random.Random) -> list[Section]:
    return [
        Section(text="".join("~" if rng.random() < rate else letter for letter in part.text), box=part.box)
        for part in parts
    ]


def test_on_average_more_errors_earn_less() -> None:
    subnet, tasks = OCR(), [page_task(kind) for kind in OCR().kinds]
    means = []
    for rate in (0.0, 0.02, 0.05, 0.1, 0.2, 0.4, 0.8):
        grades = []
        for number, task in enumerate(tasks):
            answer = spoiled(task.reference.answer().sections, rate, random.Random(number))
            grades.append(grade(task, *answer, scorer=subnet.scorer()))
        means.append(sum(grades) / len(grades))
    assert means == sorted(means, reverse=True)
    assert means[0] == 1.0 and means[-1] < 0.2


def test_sections_without_boxes_earn_their_text_part() -> None:
    bare = [Section(text=part.text) for part in (A, B, C)]
    assert grade(TASK, *bare) == pytest.approx(0.7)
    assert grade(TASK, *bare, scorer=Sections(box_weight=0.0)) == 1.0
    assert grade(TASK, A, B, bare[2]) == pytest.approx((2 + 0.7) / 3)
    assert grade(TASK, Section(text="Nothing of the page")) == 0.0


def test_sections_without_boxes_are_matched_in_reading_order_alone() -> None:
    bare = [Section(text=part.text) for part in (A, B, C)]
    assert grade(TASK, *reversed(bare)) == pytest.approx(0.7 / 3)
    assert grade(TASK, bare[2], A, B) == pytest.approx((2 + 0.7) / 3)


@pytest.mark.slow
def test_guesses_without_boxes_earn_less_than_text_that_was_read() -> None:
    subnet = OCR(difficulty=0.0, kinds=("invoice",))
    guess = subnet.guess(1)
    bare = OCRAnswer(sections=tuple(Section(text=part.text) for part in guess.sections))
    for seed in range(3):
        task = subnet.task(seed)
        assert grade(task, *bare.sections[:60]) < 0.45
