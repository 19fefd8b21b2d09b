"""Letters of options as models write them, and the work that reading an answer may take."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from subnets import text as folding
from subnets.text_prompting import Choice, Phrase, parse_choice, words
from subnets.text_prompting.truths.letter import chosen_letters
from subnets.text_prompting.words import says

OPTIONS = ("a brass lamp", "Turnov", "17", "the Heron Cup")

DRESSES = [
    "{}",
    "({})",
    "[{}]",
    "{}.",
    "**{}**",
    "__{}__",
    "`{}`",
    "${}$",
    '"{}"',
    "\u201c{}\u201d",
    "# {}",
    "<b>{}</b>",
    "<answer>{}</answer>",
    "<answer>\n{}\n</answer>",
    r"\boxed{{{}}}",
    r"The final answer is $\boxed{{\text{{{}}}}}$.",
    r"\(\boxed{{\mathbf{{{}}}}}\)",
    "Answer: {}",
    "**Answer:** {}",
    "**Answer: {}**",
    "Answer:\n\n{}",
    "Answer \u2013 {}",
    "answer = {}",
    "The answer is {}.",
    "The correct answer is option {}.",
    "The correct option is ({}).",
    "Option {}",
    "I choose {}.",
    "I would go with {}.",
    "I think it's {}.",
    "{} is correct.",
    "{} is the right answer.",
    '{{"answer": "{}"}}',
    '```json\n{{"choice": "{}"}}\n```',
    "Antwort: {}",
    "Die Antwort ist {}.",
    "R\u00e9ponse : {}",
    "La respuesta es {}.",
    "Risposta: {}",
    "Resposta: ({})",
    "\u041e\u0442\u0432\u0435\u0442: {}",
    "\u7b54\u6848\uff1a{}",
    "\u6b63\u786e\u7b54\u6848\u662f{}\u3002",
    "\uc815\ub2f5: {}",
    "{}\u200b",
    "<think>Is it A or D?</think>{}",
    "~~D~~ {}",
    "It isn't D but {}.",
    "The answer is {}. Option D is wrong.",
    "The answer is {}, not D.",
    "D) is incorrect.\nAnswer: {}",
    "- {}",
    "{}!",
    "{}, definitely.",
    "{} (not D)",
    "{}, because D is too old",
    "Surely {}!",
    "'{}'",
    "{{'answer': '{}'}}",
    "Answer \u2192 {}",
    "The answer's {}.",
    "The right one is {}.",
    "Respuesta correcta: {}",
    "La opci\u00f3n correcta es {}",
    "La bonne r\u00e9ponse est la {}.",
    "A resposta \u00e9 a {}.",
    "\u9009{}",
    "It can't be D or E, so it's {}.",
    "D seems right, but is wrong. {}.",
    "The answer would be D if it were larger; but it is {}.",
    "Option D: too old. Option E: not listed. Answer: {}",
    "The Heron Cup is a prize. The answer is {}.",
]


@pytest.mark.parametrize("dress", DRESSES)
@pytest.mark.parametrize("letter", "ABC")
def test_one_letter_is_read_in_every_dress(letter: str, dress: str) -> None:
    assert parse_choice(dress.format(letter), OPTIONS) == "ABC".index(letter)


@pytest.mark.parametrize(
    "text",
    [
        "A or B.",
        "A/B",
        "A, B",
        "B and C",
        "Either B or C.",
        "Answer: B or C",
        "Answer: B/C",
        "The answer is (B) or (C).",
        "Answer: B\nAnswer: C",
        "Answer: B. Option C",
        r"\boxed{B} \boxed{C}",
        "<answer>B</answer><answer>C</answer>",
        '{"answer": ["B", "C"]}',
        "(A) a brass lamp (B) Turnov (C) 17 (D) the Heron Cup",
        "Answer: E",
        "Answer: B or E",
        "Answer: AB",
        "Answer: B+",
        "The answer is not B.",
        "It isn't B.",
        "Option B is wrong.",
        "B is incorrect.",
        "Anything except B.",
        "~~B~~",
        "\u2260B",
        "It is rich in vitamin B.",
        "A piece in C major.",
        "Answer: A long walk.",
        "Answer: C, that is, Turnov.",
        "Answer: the Heron Cup. Answer: B",
        "B or maybe C",
        "B; alternatively, C",
        "The answer is B or, failing that, C.",
        "Answer: B as well as C",
        "Answer: A B C D",
        "Anything but B.",
        "All but B.",
        "Everything other than B",
        "",
    ],
)
def test_two_letters_or_a_denied_one_are_no_choice(text: str) -> None:
    assert parse_choice(text, OPTIONS) is None
    assert all(Choice("", OPTIONS, right).grade(text).value == 0.0 for right in range(len(OPTIONS)))


def test_a_name_may_run_over_a_line() -> None:
    assert says("It went to Vera\nHolt.", ["Vera Holt"])
    assert says("It lies in Brno-\nWest.", ["Brno-West"])
    assert says("Vera\u2011Holt and O\u2019Dell\u2019s", ["Vera-Holt"])
    assert not says("Vera.\n\nHolt.", ["Vera Holt"])
    assert says("Vera Holt's", ["Vera Holt"]) and says("Vera Holt\u2019s bell", ["Vera Holt"])
    assert says("O`Dell", ["O'Dell"]) and says("`Vera Holt`", ["Vera Holt"])
    assert says("1\u202f931 bells", ["1,931 bells"])
    assert not says("- Vera\n- Holt", ["Vera Holt"])
    assert says("It was not\nTurnov", ["Turnov"])


@given(st.text(alphabet="ABCDabc .,:;()[]{}*`$\\\n'-~<>/answerboxedtxithk"))
def test_no_text_makes_the_reader_of_letters_raise(text: str) -> None:
    assert chosen_letters(text) <= set("ABCDEFGH")


def counted(monkeypatch: pytest.MonkeyPatch, grade: Callable[[], object]) -> int:
    """Return the characters that were folded while an answer was graded."""
    total = 0
    fold = folding.fold

    def counting(text: str) -> str:
        nonlocal total
        total += len(text)
        return fold(text)

    with monkeypatch.context() as patch:
        patch.setattr(folding, "fold", counting)
        grade()
    return total


@pytest.mark.parametrize("text", ["No. " * 1_000, ".\n" * 2_000, "Ada " * 30, "A. " * 1_300, "x" * 100_000])
def test_the_work_on_an_answer_does_not_grow_with_rivals_and_sentences(
    text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    rivals = tuple(f"Rival {number}" for number in range(40))
    words.phrase_words.cache_clear()
    words.split_sentences.cache_clear()
    phrases = sum(map(len, (*rivals, *OPTIONS, "Ada")))
    for truth in (Phrase("Ada", rivals=rivals), Choice("B", OPTIONS, 1), Choice("Turnov", OPTIONS, 1, lettered=False)):
        assert counted(monkeypatch, lambda truth=truth: truth.grade(text)) <= 4 * len(text) + 2 * phrases
