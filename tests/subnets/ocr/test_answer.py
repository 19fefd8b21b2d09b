"""The schema of answers: what is read, and what is malformed."""

import json
from typing import Any

import pytest

from subnets import MalformedAnswer
from subnets.ocr import MAX_SECTIONS, MAX_TEXT, MAX_TOTAL_TEXT, OCR, OCRAnswer

GOOD = {"text": "Total", "box": [1, 2.5, 30, 14]}


def body(*sections: Any, **rest: Any) -> bytes:
    return json.dumps({"sections": list(sections), **rest}).encode()


def changed(**fields: Any) -> bytes:
    return body({**GOOD, **fields})


MALFORMED = {
    "not JSON": b"Total 12.50",
    "not UTF-8": b'{"sections": [{"text": "\xff", "box": [1, 2, 3, 4]}]}',
    "a list": b"[]",
    "null": b"null",
    "sections are null": b'{"sections": null}',
    "sections are a string": b'{"sections": "all"}',
    "a section is a string": body("Total"),
    "an unknown key": changed(score=1.0),
    "an unknown key at the top": body(GOOD, time_elapsed=-1000),
    "no text": body({"box": [1, 2, 3, 4]}),
    "empty text": changed(text=""),
    "text is a number": changed(text=5),
    "text is a list": changed(text=["T", "o"]),
    "text is too long": changed(text="x" * (MAX_TEXT + 1)),
    "a lone surrogate": b'{"sections": [{"text": "\\ud800", "box": [1, 2, 3, 4]}]}',
    "a box of three": changed(box=[1, 2, 3]),
    "a box of five": changed(box=[1, 2, 3, 4, 5]),
    "a box of strings": changed(box=["1", "2", "3", "4"]),
    "a box of truths": changed(box=[False, False, True, True]),
    "a box as an object": changed(box={"x1": 1}),
    "a null in a box": changed(box=[1, 2, None, 4]),
    "a NaN in a box": changed(box=[float("nan"), 2, 3, 4]),
    "an endless box": changed(box=[1, 2, float("inf"), 4]),
    "a number that overflows": b'{"sections": [{"text": "a", "box": [1, 2, 1e999, 4]}]}',
    "a box beyond any page": changed(box=[1, 2, 1e6, 4]),
    "x1 right of x2": changed(box=[30, 2, 1, 14]),
    "y1 below y2": changed(box=[1, 14, 30, 2]),
    "a box without area": changed(box=[1, 2, 1, 2]),
    "a font without a size": changed(font={"family": "Lato"}),
    "a font with a null size": changed(font={"family": "Lato", "size": None}),
    "a font of negative size": changed(font={"family": "Lato", "size": -12}),
    "a font of endless size": changed(font={"family": "Lato", "size": float("inf")}),
    "too many sections": body(*[GOOD] * (MAX_SECTIONS + 1)),
    "5,000 sections": body(*[GOOD] * 5_000),
    "too much text": body(*[{**GOOD, "text": "x" * MAX_TEXT}] * (MAX_TOTAL_TEXT // MAX_TEXT + 1)),
    "nested too deeply": b'{"sections": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "too many bytes": b" " * 1_000_001,
}


@pytest.mark.parametrize("sent", MALFORMED.values(), ids=MALFORMED.keys())
def test_what_breaks_the_schema_is_malformed(sent: bytes) -> None:
    with pytest.raises(MalformedAnswer) as caught:
        OCR().read(sent)
    assert len(str(caught.value)) < 300


def test_as_many_sections_as_are_allowed_are_read() -> None:
    assert len(OCR().read(body(*[GOOD] * MAX_SECTIONS)).sections) == MAX_SECTIONS  # type: ignore[attr-defined]


def test_an_answer_survives_its_journey() -> None:
    answer = OCR().read(changed(font={"family": "Lato", "size": 20}))
    assert isinstance(answer, OCRAnswer)
    assert OCR().read(answer.body()) == answer
    assert answer.sections[0].box == (1.0, 2.5, 30.0, 14.0)


def test_a_box_may_reach_over_the_edge_of_the_page() -> None:
    OCR().read(changed(box=[-3.0, -1.0, 30, 14]))


def test_an_answer_without_sections_is_read() -> None:
    assert OCR().read(b"{}") == OCRAnswer()


@pytest.mark.parametrize(
    "key",
    ["\\u001b[2J", "\\u202egpj", "a\\nb", "k" * 5_000, "\\u0000"],
    ids=["escape", "backwards", "two lines", "long", "zero"],
)
def test_a_reason_quotes_a_key_of_the_miner_cut_and_printable(key: str) -> None:
    with pytest.raises(MalformedAnswer) as caught:
        OCR().read(f'{{"text": "a", "{key}": 1}}'.encode())
    assert str(caught.value).isprintable() and len(str(caught.value)) < 200
