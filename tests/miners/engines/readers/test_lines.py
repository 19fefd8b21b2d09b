"""Words to lines."""

from hypothesis import given
from hypothesis import strategies as st

from miners.engines.readers.lines import Line, Word, lines, words_of

HEADER = "level\tpage_num\tblock_num\tpar_num\tline_num\tword_num\tleft\ttop\twidth\theight\tconf\ttext"


def word(text: str, x1: float, x2: float, y1: float = 0, line: int = 1, confidence: float = 90) -> Word:
    return Word(text, x1, y1, x2, y1 + 20, confidence, line)


def texts(*words: Word, gap: float = 1.3) -> list[str]:
    return [line.text for line in lines(words, gap=gap)]


def test_words_of_a_line_become_one_with_their_common_box() -> None:
    assert lines([word("Invoice", 0, 60), word("17", 68, 90, y1=2)]) == (Line("Invoice 17", 0, 0, 90, 22, 90.0),)


def test_a_gap_wider_than_the_text_is_high_parts_two_cells() -> None:
    assert texts(word("Garden", 0, 60), word("chair", 68, 110), word("124.00", 200, 260)) == ["Garden chair", "124.00"]


def test_one_printed_line_torn_over_two_of_tesseracts_is_joined() -> None:
    assert texts(word("Total:", 0, 50, line=1), word("12.50", 60, 110, y1=1, line=2)) == ["Total: 12.50"]


def test_lines_below_each_other_stay_apart() -> None:
    assert texts(word("one", 0, 30, line=1), word("two", 35, 65, y1=24, line=2)) == ["one", "two"]


def test_a_heading_is_not_joined_to_small_print_next_to_it() -> None:
    assert texts(Word("Bill", 0, 0, 90, 60, line=1), word("page 1", 95, 150, y1=20, line=2)) == ["Bill", "page 1"]


def test_a_sloping_line_stays_one() -> None:
    words = [word(f"w{i}", 60 * i, 60 * i + 50, y1=4 * i) for i in range(12)]
    assert texts(*words) == [" ".join(f"w{i}" for i in range(12))]


def test_unsure_words_are_dropped() -> None:
    assert lines([word("~|", 0, 9, confidence=11), word("Total", 20, 60)], min_confidence=20)[0].text == "Total"


def test_no_words_are_no_lines() -> None:
    assert lines([]) == ()


def test_tesseracts_table_is_read_with_or_without_its_header() -> None:
    rows = ["4\t1\t1\t1\t1\t0\t5\t6\t70\t20\t-1\t", "5\t1\t1\t1\t1\t1\t5\t6\t70\t20\t96.5\tTotal"]
    expected = [Word("Total", 5, 6, 75, 26, 96.5, 1)]
    assert words_of("\n".join(rows)) == words_of("\n".join([HEADER, *rows])) == expected


def test_rows_without_text_are_no_words() -> None:
    assert words_of("4\t1\t1\t1\t1\t0\t0\t0\t9\t9\t-1\t\n5\t1\t1\t1\t1\t1\t0\t0\t9\t9\t95\t \n") == []


WORDS = st.lists(
    st.builds(
        lambda x, y, width, height, line: Word(f"{x}-{y}", x, y, x + width, y + height, 90, line),
        st.integers(0, 900),
        st.integers(0, 900),
        st.integers(1, 200),
        st.integers(1, 60),
        st.integers(1, 6),
    ),
    max_size=30,
)


@given(WORDS)
def test_every_word_is_in_exactly_one_line(words: list[Word]) -> None:
    texts = sorted(text for line in lines(words) for text in line.text.split(" "))
    assert texts == sorted(word.text for word in words)


@given(WORDS, st.sampled_from([0.25, 2.0, 8.0]))
def test_resolution_does_not_matter(words: list[Word], scale: float) -> None:
    larger = [Word(w.text, w.x1 * scale, w.y1 * scale, w.x2 * scale, w.y2 * scale, w.confidence, w.line) for w in words]
    assert [line.text for line in lines(larger)] == [line.text for line in lines(words)]
