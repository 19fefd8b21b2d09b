"""Unit tests of a page's text, as the benchmark olmOCR-bench publishes them: one JSON object a line.

    {"pdf": "a.pdf", "page": 1, "id": "a_01", "type": "present", "text": "Total amount", "max_diffs": 2}

`present`, `absent`, `order` and `table` are run. `math` and `baseline` are not: they need a renderer of formulas, or
look at no text of the page's own.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

RUN = ("present", "absent", "order", "table")
"""Types of tests that are run."""


class DocumentTest(BaseModel):
    """One test; the names of its fields are those of the published files."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    pdf: str = Field(min_length=1)
    """Name of the document's file."""
    page: int = Field(1, ge=1)
    id: str = ""
    type: str
    max_diffs: int = Field(0, ge=0)
    """Characters that may differ."""
    text: str = ""
    """The text that must be there, or must not."""
    case_sensitive: bool = True
    first_n: int | None = Field(None, ge=1)
    """Look at the first characters of the page alone, and with `last_n` at both ends."""
    last_n: int | None = Field(None, ge=1)
    before: str = ""
    """The text that must come before `after`."""
    after: str = ""
    cell: str = ""
    """The text of a table's cell; the fields below are its neighbours, where they are given."""
    up: str = ""
    down: str = ""
    left: str = ""
    right: str = ""
    top_heading: str = ""
    left_heading: str = ""

    @model_validator(mode="before")
    @classmethod
    def _null_is_left_out(cls, value: object) -> object:
        return {key: given for key, given in value.items() if given is not None} if isinstance(value, dict) else value

    @model_validator(mode="after")
    def _texts_are_given(self) -> DocumentTest:
        needed: dict[str, tuple[Literal["text", "before", "after", "cell"], ...]] = {
            "present": ("text",),
            "absent": ("text",),
            "order": ("before", "after"),
            "table": ("cell",),
        }
        for name in needed.get(self.type, ()):
            if not getattr(self, name).strip():
                raise ValueError(f"a test of type {self.type!r} needs a text for {name!r}")
        return self


def passing_text(tests: Iterable[DocumentTest]) -> str:
    """Return a text, with tables in Markdown, that passes all tests that don't contradict each other."""
    parts: list[str] = []
    for test in tests:
        if test.type == "present":
            parts.insert(0, test.text)
        elif test.type == "order":
            parts += [test.before, test.after]
        elif test.type == "table":
            parts.append(_table_with(test))
    return "\n\n".join(parts)


def _table_with(test: DocumentTest) -> str:
    """Return a table in Markdown that has the cell of a test and its neighbours."""
    rows = [["", "", test.top_heading, ""], [test.left_heading, test.left, test.cell, test.right]]
    if test.up:
        rows.insert(1, ["", "", test.up, ""])
    if test.down:
        rows.append(["", "", test.down, ""])
    heading, *rest = ("| " + " | ".join(row) + " |" for row in rows)
    return "\n".join([heading, "|---|---|---|---|", *rest])
