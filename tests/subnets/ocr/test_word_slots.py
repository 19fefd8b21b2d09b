"""Words of several readings of a page, aligned."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from subnets import NOTHING, SILENT, Task, load_subnet
from subnets.ocr import OCRAnswer, Section
from subnets.ocr.comparison.word_slots import MAX_SLOTS, MAX_WORDS, compare, slots, words_of

TEXT = "Invoice No. 17 Total due $12.50 by May 03 to Ada Lane".split()


def rows(slotted: list[dict[int, str]]) -> set[frozenset[tuple[int, str]]]:
    return {frozenset(slot.items()) for slot in slotted}


def test_words_that_resemble_each_other_share_a_slot_and_others_do_not() -> None:
    assert slots([["Total", "$12.50"], ["Tota1", "$12.50"], ["$12.50", "paid"]]) == [
        {0: "Total", 1: "Tota1"},
        {0: "$12.50", 1: "$12.50", 2: "$12.50"},
        {2: "paid"},
    ]


def test_another_page_in_between_moves_no_words() -> None:
    """Readings of something else, however many agree on it, leave honest readings aligned with each other."""
    missing = TEXT[:3] + TEXT[4:]
    forged = "wholly unlike matters quoted here repeatedly without reason".split()
    slotted = slots([forged, forged, forged, TEXT, missing])
    honest = [slot for slot in slotted if slot.keys() & {3, 4}]
    assert all(not slot.keys() & {0, 1, 2} for slot in honest)
    assert [slot for slot in honest if 4 in slot] == [{3: word, 4: word} for word in missing]


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.lists(st.sampled_from(TEXT + ["Tota1", "lnvoice", "$12,50"]), max_size=12), min_size=2, max_size=5),
    st.randoms(),
)
def test_the_order_of_the_readings_does_not_matter(readings: list[list[str]], random: object) -> None:
    order = list(range(len(readings)))
    random.shuffle(order)  # type: ignore[attr-defined]
    plain = slots(readings)
    moved = [{order[number]: word for number, word in slot.items()} for slot in slots([readings[n] for n in order])]
    # Equal readings can stand for each other.
    alike = {number: min(other for other in order if readings[other] == readings[number]) for number in order}

    def told(slotted: list[dict[int, str]]) -> list[list[tuple[int, str]]]:
        return sorted(sorted((alike[number], word) for number, word in slot.items()) for slot in slotted)

    assert told(plain) == told(moved)
    for number, reading in enumerate(readings):
        assert [slot[number] for slot in plain if number in slot] == reading


def test_the_words_of_a_page_run_along_its_rows_whatever_the_order_of_its_sections() -> None:
    left = Section(text="Total due", box=(10, 102, 90, 120))
    right = Section(text="$12.50", box=(300, 99, 350, 117))
    above = Section(text="Invoice", box=(10, 10, 90, 30))
    for sections in ((left, right, above), (right, above, left)):
        assert words_of(sections) == ["Invoice", "Total", "due", "$12.50"]


def test_spam_opens_no_more_slots_than_allowed() -> None:
    spam = [[f"w{number}x{place}q{number * place}" for place in range(900)] for number in range(5)]
    slotted = slots([TEXT, TEXT, *spam])
    assert len(slotted) <= MAX_SLOTS
    assert sum({0, 1} <= slot.keys() for slot in slotted) == len(TEXT)
    assert max(sum(number in slot for slot in slotted) for number in range(2, 7)) <= MAX_WORDS


def page(words: list[str]) -> OCRAnswer:
    return OCRAnswer(
        sections=tuple(Section(text=w, box=(60.0 * i, 0.0, 60.0 * i + 50, 20.0)) for i, w in enumerate(words))
    )


def test_items_hold_what_two_have_in_common_and_the_truth_where_it_is_known() -> None:
    answers = [page(["Total", "due", "now"]), page(["Total", "dve"]), None, page(["Sum"])]
    blind = compare(answers, None, 100)
    assert blind.classes.tolist() == [[1, 1, SILENT, NOTHING], [1, 2, SILENT, NOTHING]]
    assert (blind.right, blind.parts, blind.unshared.tolist()) == (None, None, [1, 0, 0, 1])
    known = compare(answers, page(["Total", "due", "today"]), 100)
    assert known.right is not None and known.parts == 3
    assert known.classes.shape == (2, 4) and known.right.tolist() == [[1, 1, 0, 0], [1, 0, 0, 0]]


def test_a_known_page_counts_words_that_are_not_on_it_as_wrong() -> None:
    answers = [page(["Total", "ghost"]), page(["Total", "ghost"]), page(["Total"])]
    known = compare(answers, page(["Total"]), 100)
    assert known.right is not None
    assert known.right.tolist() == [[1, 1, 1], [0, 0, 1]] and known.classes[1].tolist() == [1, 1, NOTHING]


def test_the_subnet_compares_without_and_with_its_truth() -> None:
    subnet = load_subnet({"kind": "ocr", "width": 300})
    task = subnet.task(3)
    gold = subnet.gold(task)
    items = subnet.items(task, [gold, gold, None])
    assert items is not None and items.right is not None
    assert (items.right[:, :2] == 1).all() and (items.right[:, 2] == 0).all()
    assert np.array_equal(items.classes[:, 0], items.classes[:, 1]) and items.parts == len(items.classes)
    blind = subnet.items(Task("t"), [gold, gold, None])
    assert blind is not None and np.array_equal(blind.classes, items.classes)
    assert subnet.wrong(task) == 100


@pytest.mark.parametrize("readings", [[], [[]], [[], ["a"]]])
def test_empty_readings_are_no_trouble(readings: list[list[str]]) -> None:
    assert rows(slots(readings)) == {frozenset({(number, "a")}) for number, own in enumerate(readings) if own}
