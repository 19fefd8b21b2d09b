"""Tests of real models: they need the extra `text` and the packages with weights."""

import os
from importlib.util import find_spec

collect_ignore = ["test_ready.py"] if find_spec("gguf") is None and not os.environ.get("CI") else []
