"""Pages that several tests look at, each made once."""

from functools import cache

import pytest

from subnets import Task
from subnets.ocr import OCR


@cache
def page_task(kind: str, difficulty: float = 0.0, seed: int = 3) -> Task:
    """One page of a kind."""
    return OCR(kinds=(kind,), difficulty=difficulty).task(seed)


@pytest.fixture(params=OCR().kinds)
def kind(request: pytest.FixtureRequest) -> str:
    """Each kind of page in turn."""
    name: str = request.param
    return name


@pytest.fixture
def task(kind: str) -> Task:
    """A crisp page of each kind."""
    return page_task(kind)
