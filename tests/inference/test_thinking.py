import pytest

from inference.thinking import Parts, split


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("It is 7.", ("", "It is 7.")),
        (" spaced ", ("", " spaced ")),
        ("<think>\nIs it 7?\n</think>\n\nIt is 7.", ("Is it 7?", "It is 7.")),
        ("Is it 7?\n</think>\nIt is 7.", ("Is it 7?", "It is 7.")),
        ("[THINK]Is it 7?[/THINK]It is 7.", ("Is it 7?", "It is 7.")),
        ("<thinking>a</thinking>One. <thinking>b</thinking>Two.", ("ab", "One. Two.")),
        ("<think>a <think>b</think> c</think>It is 7.", ("a b c", "It is 7.")),
        ("<think>never ends", ("never ends", "")),
        ("<think>a</think>The tag </think> closes it.", ("a", "The tag </think> closes it.")),
        (
            "<|channel|>analysis<|message|>a<|end|><|start|>assistant<|channel|>final<|message|>It is 7.<|return|>",
            ("a", "It is 7."),
        ),
        ("a < b and <thinker> stay", ("", "a < b and <thinker> stay")),
    ],
)
def test_thoughts_and_answer_are_separated(text: str, parts: tuple[str, str]) -> None:
    assert split(text) == Parts(*parts)
