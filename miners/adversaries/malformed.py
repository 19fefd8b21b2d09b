"""A miner that breaks the schema of answers, in every known way.

    {"kind": "malformed", "fault": "inverted_box"}      the same fault each time
    {"kind": "malformed"}                               a random fault, drawn from the query's id

None of them is a valid answer of the OCR subnet, and reading each takes a bounded time.
"""

from __future__ import annotations

import json
import pickle
import zlib
from collections.abc import Callable, Mapping
from types import MappingProxyType

from pydantic import field_validator

from miners.miner import Miner
from subnets import Query, Seed


def _sections(*sections: object) -> bytes:
    return json.dumps({"sections": sections}).encode()


def _section(text: object = "Total", box: object = (10, 10, 90, 30), **more: object) -> bytes:
    return _sections({"text": text, "box": box, **more})


def _box(x1: str, y1: str = "10", x2: str = "90", y2: str = "30") -> bytes:
    """Write the numbers literally: JSON libraries would refuse some of them."""
    return f'{{"sections":[{{"text":"Total","box":[{x1},{y1},{x2},{y2}]}}]}}'.encode()


def _many(count: int, section: bytes = b'{"text":"a","box":[0,0,9,9]}') -> bytes:
    return b'{"sections":[' + b",".join([section] * count) + b"]}"


FAULTS: Mapping[str, Callable[[], bytes]] = MappingProxyType(
    {
        # not JSON
        "empty_body": lambda: b"",
        "blank_body": lambda: b" \n\t" * 1000,
        "not_json": lambda: b"Total: $12.50",
        "html_error_page": lambda: b"<html><body><h1>502 Bad Gateway</h1></body></html>",
        "python_literal": lambda: b"{'text': 'Total', 'sections': []}",
        "trailing_comma": lambda: b'{"text": "Total",}',
        "comment": lambda: b'{"text": "Total"} // said the miner',
        "two_documents": lambda: b'{"text":"a"}{"text":"b"}',
        "truncated": lambda: _section()[:-9],
        "truncated_string": lambda: b'{"text":"Tot',
        "truncated_escape": lambda: b'{"text":"\\u00',
        "control_character": lambda: b'{"text":"a\x00b"}',
        "invalid_utf8": lambda: b'{"text":"\xff\xfe\xfa"}',
        "overlong_utf8": lambda: b'{"text":"\xc0\xaf"}',
        "utf16": lambda: '{"text":"Total"}'.encode("utf-16"),
        "byte_order_mark": lambda: b'\xef\xbb\xbf{"text":"Total"}',
        "surrogate_escape": lambda: b'{"text":"\\ud800"}',
        "surrogate_bytes": lambda: b'{"text":"\xed\xa0\x80"}',
        "pickle": lambda: pickle.dumps({"text": "Total"}),
        "compressed": lambda: zlib.compress(b'{"text":"Total"}'),
        "random_bytes": lambda: Seed(0).rng().bytes(10_000),
        # JSON, but not an answer
        "null": lambda: b"null",
        "number": lambda: b"42",
        "string": lambda: b'"Total"',
        "list": lambda: b'[{"text":"Total"}]',
        "unknown_key": lambda: b'{"text":"Total","latency_s":-1000}',
        "many_unknown_keys": lambda: json.dumps({f"key{i}": i for i in range(50_000)}).encode(),
        "duplicate_keys": lambda: b'{"text":"one thing","text":"another"}',
        "text_number": lambda: b'{"text":12.5}',
        "text_null": lambda: b'{"text":null}',
        "text_list": lambda: b'{"text":["T","o","t","a","l"]}',
        "negative_count": lambda: b'{"text":"Total","output_tokens":-1}',
        "fractional_count": lambda: b'{"text":"Total","output_tokens":1.5}',
        "huge_integer": lambda: b'{"text":"Total","output_tokens":1' + b"0" * 500_000 + b"}",
        "large_integer": lambda: b'{"text":"Total","output_tokens":1' + b"0" * 4_000 + b"}",
        # invalid sections
        "sections_null": lambda: b'{"sections":null}',
        "sections_string": lambda: b'{"sections":"Total"}',
        "sections_object": lambda: b'{"sections":{"0":{"text":"Total","box":[10,10,90,30]}}}',
        "section_null": lambda: _sections(None),
        "section_string": lambda: _sections("Total"),
        "section_list": lambda: _sections(["Total", [10, 10, 90, 30]]),
        "section_without_text": lambda: _sections({"box": [10, 10, 90, 30]}),
        "section_text_null": lambda: _section(text=None),
        "section_text_empty": lambda: _section(text=""),
        "section_text_number": lambda: _section(text=12),
        "section_text_list": lambda: _section(text=list("Total")),
        "section_unknown_key": lambda: _section(score=1.0),
        # invalid boxes
        "box_string": lambda: _section(box="10 10 90 30"),
        "box_short": lambda: _section(box=[10, 10, 90]),
        "box_long": lambda: _section(box=[10, 10, 90, 30, 50]),
        "box_strings": lambda: _section(box=["10", "10", "90", "30"]),
        "box_booleans": lambda: _section(box=[False, False, True, True]),
        "box_nulls": lambda: _section(box=[None] * 4),
        "box_object": lambda: _section(box={"x1": 10, "y1": 10, "x2": 90, "y2": 30}),
        "box_nested": lambda: _section(box=[[10, 10], [90, 30]]),
        "box_nan": lambda: _box("NaN"),
        "box_infinite": lambda: _box("10", x2="Infinity"),
        "box_minus_infinite": lambda: _box("-Infinity"),
        "box_overflowing": lambda: _box("10", x2="1e999"),
        "box_huge_integer": lambda: _box("10", x2="9" * 4_000),
        "inverted_box": lambda: _section(box=[90, 30, 10, 10]),
        "flat_box": lambda: _section(box=[10, 10, 90, 10]),
        "point_box": lambda: _section(box=[10, 10, 10, 10]),
        "negative_box": lambda: _section(box=[-900_000, -900_000, -100, -100]),
        "negative_area_box": lambda: _section(box=[0, 0, 99, -21]),
        "font_without_size": lambda: _section(font={"family": "Helvetica"}),
        "font_nan": lambda: _section(font={"family": "Helvetica", "size": float("nan")}),
        "font_negative": lambda: _section(font={"family": "Helvetica", "size": -12}),
        "font_string": lambda: _section(font="Helvetica 12"),
        # too much
        "deep_lists": lambda: b'{"text":' + b"[" * 200_000 + b"]" * 200_000 + b"}",
        "deep_objects": lambda: b'{"text":' * 50_000 + b"1" + b"}" * 50_000,
        "open_brackets": lambda: b"[" * 900_000,
        "long_text": lambda: b'{"text":"' + b"a" * 900_000 + b'"}',
        "text_of_50_mb": lambda: b'{"text":"' + b"a" * 50_000_000 + b'"}',
        "long_section": lambda: _section(text="a" * 100_000),
        "long_sections": lambda: _many(900, b'{"text":"' + b"a" * 490 + b'","box":[0,0,9,9]}'),
        "sections_5000": lambda: _many(5_000),
        "sections_30000": lambda: _many(30_000),
        "sections_100000": lambda: _many(100_000),
        "broken_sections_30000": lambda: _many(30_000, b'{"text":1,"box":[0,0,9]}'),
    }
)
"""The bytes to send, by the fault's name."""


class Malformed(Miner):
    """Sends malformed answers."""

    honest = False
    description = "sends broken answers, one of a catalogue or all of them in turn"

    fault: str = ""
    """Name of the fault; empty draws one from the query's id."""

    @field_validator("fault")
    @classmethod
    def _fault_is_known(cls, value: str) -> str:
        if value and value not in FAULTS:
            raise ValueError(f"unknown fault {value!r}; known: {', '.join(FAULTS)}; or leave it out for any")
        return value

    async def forward(self, query: Query) -> bytes:
        """Send the fault."""
        names = list(FAULTS)
        index = Seed(self.seed).child("fault", query.id).integer() % len(names)
        return FAULTS[self.fault or names[index]]()
