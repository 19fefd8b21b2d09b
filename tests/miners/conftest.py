"""Pages for the engines to read, drawn with the font that Pillow contains, and the language models of these tests."""

import os
from importlib.util import find_spec
from pathlib import Path

import pytest

from subnets import Caller, Message, Prompt, Query
from tests.miners.language_models import (  # noqa: F401  fixtures
    loop,
    proxy,
    transformers_engine,
    transformers_server,
    vllm_engine,
    vllm_server,
)
from tests.miners.pages import draw
from tests.miners.vision_models import seeing_transformers, seeing_vllm, vision_folder  # noqa: F401  fixtures

LANGUAGE_MODEL_TESTS = [
    "test_prompted.py",
    *("engines/test_transformers.py", "engines/test_vision.py", "engines/test_vllm.py"),
    "engines/openai/test_servers.py",
]
# The plain test install has no language models; the full one, and CI, have them all.
collect_ignore = LANGUAGE_MODEL_TESTS if find_spec("vllm") is None and not os.environ.get("CI") else []

FOREIGN_WARNINGS = (
    "ignore::FutureWarning:vllm.*",
    "ignore::DeprecationWarning:vllm.*",
    "ignore::DeprecationWarning:torch.*",
    "ignore::FutureWarning:torch.*",
    "ignore::UserWarning:torch.*",
    "ignore:builtin type .* has no __module__ attribute:DeprecationWarning",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Ignore warnings from inside vLLM and torch in the tests that load a language model."""
    for item in items:
        if Path(__file__).parent in item.path.parents and item.get_closest_marker("models"):
            for warning in FOREIGN_WARNINGS:
                item.add_marker(pytest.mark.filterwarnings(warning))


ROWS = (
    ("Invoice No. 1742",),
    ("Blue paper lamp", "18.50"),
    ("Garden chair", "124.00"),
    ("Total amount due", "142.50"),
)
SENTENCE = "The quick brown fox jumps over the lazy dog"


@pytest.fixture(scope="session")
def page() -> bytes:
    """Seven cells of text."""
    return draw(ROWS)


@pytest.fixture(scope="session")
def dense_page() -> bytes:
    """Text that takes tesseract a good part of a second."""
    return draw(((SENTENCE,),) * 30)


@pytest.fixture(scope="session")
def long_page() -> bytes:
    """Five times as much: a reading of it is not over before it is ended."""
    return draw(((SENTENCE,),) * 160)


@pytest.fixture
def query(page: bytes) -> Query:
    """Ask for the text of the page."""
    return Query("q1", "ocr", Prompt((Message("user", "Read this page."),), page), 20.0, Caller("5Hot", 1000.0, True))
