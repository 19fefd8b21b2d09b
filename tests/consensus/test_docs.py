"""The examples of the docs run, each page's in order as one program."""

import re
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[2] / "docs"


@pytest.mark.parametrize(("page", "examples"), [("yuma.md", 7), ("chain.md", 1), ("emission.md", 2)])
def test_every_example_of_the_page_holds(page: str, examples: int) -> None:
    blocks = re.findall(r"```python\n(.*?)```", (DOCS / page).read_text(), flags=re.DOTALL)
    assert len(blocks) >= examples
    exec(compile("\n".join(blocks), page, "exec"), {"__name__": "page"})
