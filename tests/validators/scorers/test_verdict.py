"""Verdicts as judges write them: what is read, and what is left unread for being doubtful."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from validators.scorers.judging.verdict import UnreadableVerdict, read_mark, read_pick


@pytest.mark.parametrize(
    ("reply", "mark"),
    [
        ("Score: 7", 0.7),
        ("**Score:** 10/10.", 1.0),
        ("0", 0.0),
        ("8/10", 0.8),
        ("[[6]]", 0.6),
        ("**9**", 0.9),
        ("Score: **6**/10", 0.6),
        ("Score = 6", 0.6),
        ("Score - 6", 0.6),
        ("## Score\n\n6", 0.6),
        ("Score: six", 0.6),
        ("Score: six out of ten", 0.6),
        ("Score: 6 points", 0.6),
        ("Score (0 to 10): 6", 0.6),
        ("Score [0\u201310]: 6", 0.6),
        ("Score (out of 20): 13", 0.65),
        ("Score (/5): 3", 0.6),
        ("Score on a scale from 0 to 100: 35", 0.35),
        ("Rating: 3/5", 0.6),
        ("Score: 3 out of 4", 0.75),
        ("Score: 60/100", 0.6),
        ("Score: 35 %", 0.35),
        ("Score: 6,5", 0.65),
        ("Score: 6.5/10", 0.65),
        ("Score: \uff16", 0.6),
        ("Score:\u200b 6", 0.6),
        ("Score: \\boxed{6}", 0.6),
        ("<score>6</score>", 0.6),
        ("<think>Score: 2? No.</think>Score: 6", 0.6),
        ('{"score": 6, "reason": "2 slips in 3 lines"}', 0.6),
        ('```json\n{\n  "rating": "6/10"\n}\n```', 0.6),
        ('{"score": 3, "max_score": 5}', 0.6),
        ("Score: 6\nTwo of the 3 names are right.", 0.6),
        ("Score: 6. It misses 2 names.", 0.6),
        ("Score: 6 because 2 names are missing", 0.6),
        ("For 3 reasons this earns a score of 6.", 0.6),
        ("I give a score of 6/10. Score: 6", 0.6),
    ],
)
def test_a_mark_is_read_in_each_way_of_writing(reply: str, mark: float) -> None:
    assert read_mark(reply) == pytest.approx(mark)


@pytest.mark.parametrize(
    "reply",
    [
        "",
        "Score:",
        "Score: N/A",
        "Score: -2",
        "Score: \u22122",
        "Score: +2",
        "Score: 11",
        "Score: 85",
        "Score: 6-7",
        "Score: 6 - 7",
        "Score: 6 to 7",
        "Score: 6 or seven",
        "Score: 6 and a half",
        "Score: 6\u00bd",
        "Score: 6\u00b2",
        "Score: 6/7",
        "Score: 6/4",
        "Score: 6/0",
        "Score: 2/3/2026",
        "Score: 0.6",
        "Score: 1.0",
        "Score: 3.5.2",
        "Score: 6e1",
        "Score: 6,500",
        "Score: 6, 7",
        "Score: 6?",
        "Score: 6+",
        "Score: ~6",
        "Score: about 6",
        "Score: at least 6",
        "Score: <6",
        "Score: ~~2~~ 6",
        "Score: 6 stars",
        "Score: 6, maybe less",
        "Score: 6 would be too much",
        "Score: 3. Wait, it should be 6.",
        "Score: 3. Actually 6.",
        "Score (1-5): 3",
        "Score (0-10): 3/5",
        "Score 6-7",
        "I would not give it a score of 9.",
        "It could get a score of 9",
        "The top score is 10.",
        "Maximum score: 10",
        "Style score: 9\nFinal score: 3",
        "Score: 3\nScore: 9",
        '{"score": 3, "score": 9}',
        '{"score": true}',
        '{"score": [6]}',
        '{"score": null}',
        "There are 6 mistakes.",
        "6 7",
        "7\u00b3",
        "{" * 9_000,
        '{"score":' + "[" * 7_000,
    ],
)
def test_a_doubtful_mark_is_left_unread(reply: str) -> None:
    with pytest.raises(UnreadableVerdict, match="no single mark"):
        read_mark(reply)


@pytest.mark.parametrize(
    ("reply", "pick"),
    [
        ("Winner: A", 1),
        ("B", -1),
        ("b", -1),
        ("(B)", -1),
        ("**B**.", -1),
        ("Answer B", -1),
        ("\\boxed{B}", -1),
        ("tie", 0),
        ("It is a tie.", 0),
        ("Winner: draw", 0),
        ("The better answer is B.", -1),
        ("**Winner:** `B`", -1),
        ("Winner: **Answer B**", -1),
        ("Winner: Answer A over Answer B", 1),
        ("Answer A is clearly better than answer B.", 1),
        ("A wins.", 1),
        ("Winner: A because B drifts off", 1),
        ("Winner: A\nB drifts off.", 1),
        ('{"winner": "B"}', -1),
        ("<winner>A</winner>", 1),
        ("Verdict:\nA", 1),
    ],
)
def test_a_pick_is_read_in_each_way_of_writing(reply: str, pick: float) -> None:
    assert read_pick(reply) == pick


@pytest.mark.parametrize(
    "reply",
    [
        "",
        "C",
        "A+",
        "A?",
        "A or B",
        "A/B",
        "Winner: A/B",
        "Winner: A or B",
        "Winner: A, B",
        "Winner: A?",
        "Winner: probably A",
        "Winner: A, maybe",
        "Winner: A (tie)",
        "Winner: not A",
        "A is far from better.",
        "A is anything but better.",
        "It is wrong to say that A is better.",
        "Nobody would say that A is better.",
        "I doubt that A is better.",
        "Had it been shorter, A was better.",
        "A was better until it erred.",
        "Winner: A. Actually B.",
        "The winner is not A.",
        "Winner: neither",
        "Answer A is worse than answer B.",
        "Answer A is no better.",
        "Answer A is not better than B.",
        "I don't think A is better.",
        "Neither A is better nor B.",
        "The better answer is a detailed one.",
        "Winner: A\nWinner: B",
        "A is better in style. B is better in content.",
        '{"winner": "A", "verdict": "B"}',
        "A long story about something else",
    ],
)
def test_a_doubtful_pick_is_left_unread(reply: str) -> None:
    with pytest.raises(UnreadableVerdict, match="no single winner"):
        read_pick(reply)


VERDICT_WORDS = st.lists(
    st.sampled_from(
        'score Score: winner A B tie is 7 10 / 5 % - , . { } [ ] " ( ) \n not or <think> \\boxed \u00bd'.split()
    )
)


@given(st.text() | VERDICT_WORDS.map(" ".join))
def test_no_reply_makes_a_reader_do_anything_but_say_so(reply: str) -> None:
    for read in (read_mark, read_pick):
        try:
            assert -1.0 <= read(reply) <= 1.0
        except UnreadableVerdict:
            pass
