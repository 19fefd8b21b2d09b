"""What vision-language models write, in every form that the table knows, and in none."""

import json

import pytest

from subnets import Message, PluginError, Prompt, Response
from subnets.ocr import MAX_SECTIONS, MAX_TOTAL_TEXT, OCR
from subnets.ocr.forms import FORMS, read_form

OURS = '{"sections": [{"text": "Total", "box": [10, 20, 110, 40]}, {"text": "12.50", "box": [300, 20, 360, 40]}]}'
QWEN = """```json
[
\t{"bbox_2d": [10, 20, 110, 40], "text_content": "Total"},
\t{"bbox_2d": [300, 20, 360, 40], "text_content": "12.50"}
]
```"""
QWEN_GRID = '[{"bbox_2d": [25, 40, 275, 80], "label": "Total"}, {"bbox_2d": [750, 40, 900, 80], "label": "12.50"}]'
DEEPSEEK = (
    "<|ref|>Total<|/ref|><|det|>[[25, 40, 275, 80]]<|/det|>\n"
    "<|ref|>text<|/ref|><|det|>[[749, 40, 899, 80]]<|/det|>\n12.50\n"
    "<|ref|>image<|/ref|><|det|>[[0, 500, 999, 999]]<|/det|>\n"
)
DOTS = json.dumps(
    [
        {"bbox": [10, 20, 110, 40], "category": "Text", "text": "Total"},
        {"bbox": [300, 20, 360, 40], "category": "Table", "text": "<table><tr><td>12.50</td></tr></table>"},
        {"bbox": [0, 250, 400, 500], "category": "Picture"},
    ]
)
PADDLE = (
    "Total<|LOC_25|><|LOC_40|><|LOC_275|><|LOC_40|><|LOC_275|><|LOC_80|><|LOC_25|><|LOC_80|>"
    "12.50<|LOC_750|><|LOC_40|><|LOC_900|><|LOC_40|><|LOC_900|><|LOC_80|><|LOC_750|><|LOC_80|>"
)


@pytest.mark.parametrize(
    ("form", "text"),
    [
        ("sections", OURS),
        ("sections", f"Here is the page:\n{OURS}"),
        ("sections", OURS[:-2] + ', {"text": "unfin'),
        ("qwen", QWEN),
        ("qwen_grid", QWEN_GRID),
        ("deepseek", DEEPSEEK),
        ("dots", DOTS),
        ("paddle", PADDLE),
    ],
)
def test_each_published_form_gives_texts_and_boxes_in_pixels(form: str, text: str) -> None:
    total, amount = read_form(text, 400, 500, form)
    assert (total.text, amount.text) == ("Total", "12.50")
    assert total.box == pytest.approx((10, 20, 110, 40), abs=0.5)
    assert amount.box == pytest.approx((300, 20, 360, 40), abs=0.6)


def test_boxes_are_mapped_back_from_the_size_that_the_model_saw() -> None:
    sections = read_form(OURS, 800, 1000, "sections", (400, 500))
    assert sections[0].box == (20.0, 40.0, 220.0, 80.0)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("text", ["Total\n12.50", "# Total\n\n12.50", "| Total | 12.50 |\n|---|---|"])
def test_a_text_of_no_form_is_read_as_lines_or_markdown(form: str, text: str) -> None:
    assert [(part.text, part.box) for part in read_form(text, 400, 500, form)] == [("Total", None), ("12.50", None)]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[" * 200_000,
        "[a](" * 50_000,
        "<table>" * 25_000,
        '{"sections": 7}',
        '[{"text": 5, "box": "a"}]',
        '[{"text": "a", "box": [1e400, NaN, -5, 10]}]',
        '[{"text": "a", "bbox": [1, 2, 3]}, {"text": "b", "bbox": [9, 9, 1, 1]}]',
        "<|ref|>a<|/ref|><|det|>[[]]<|/det|>",
        "<|LOC_1|>" * 5_000,
        "line\n" * 100_000,
    ],
    ids=lambda text: f"{text[:12]!r}, {len(text)} characters",
)
def test_broken_text_is_never_an_error_and_every_answer_is_within_its_limits(form: str, text: str) -> None:
    answer = OCR.answer_from_model(text, OCR(difficulty=0.0, width=300).task(1).prompt, form)
    assert len(answer.sections) <= MAX_SECTIONS
    assert sum(len(section.text) for section in answer.sections) <= MAX_TOTAL_TEXT
    assert OCR().read(answer.body()) == answer


def test_a_box_outside_of_the_page_is_left_out_and_one_across_its_edge_is_cut() -> None:
    text = '[{"text": "a", "box": [500, 10, 600, 20]}, {"text": "b", "box": [350, 10, 600, 20]}]'
    assert [part.box for part in read_form(text, 400, 500)] == [None, (350.0, 10.0, 400.0, 20.0)]


def test_each_family_is_asked_in_its_own_words_and_an_unknown_one_is_refused() -> None:
    prompt = Prompt((Message("user", "Read this page."),), b"image")
    assert OCR.model_prompt(prompt, "").text == "Read this page."
    assert (
        "Markdown" in OCR.model_prompt(prompt, "markdown").text and OCR.model_prompt(prompt, "dots").image == b"image"
    )
    with pytest.raises(PluginError, match="unknown form 'qwem'; known: sections, markdown"):
        OCR.model_prompt(prompt, "qwem")


@pytest.mark.parametrize("form", FORMS)
def test_a_refusal_is_an_answer_that_earns_nothing(form: str) -> None:
    task = OCR(difficulty=0.0, width=300).task(1)
    answer = OCR.answer_from_model("I'm sorry, but I can't help with reading this document.", task.prompt, form)
    assert len(answer.sections) == 1
    assert OCR().scorer().score(task, Response(uid=0, answer=answer)).value == 0.0
