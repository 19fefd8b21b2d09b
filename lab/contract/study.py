"""What a study keeps to. A simulated study is run once, in a folder that is removed afterwards."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from lab.studies.register import AnyStudy
from lab.studies.study import MeasuredStudy, StudyConfig, simulate

from .rule import Rule


def has_a_name(study: AnyStudy) -> Iterator[str]:
    """Check what `subnetlab study` calls it."""
    if not study.name:
        yield "name is empty; its page and its folder are called by it"


def publishes(study: AnyStudy) -> Iterator[str]:
    """Check that a simulated study gives findings, and a measured one a config that can say what it plays."""
    if isinstance(study, MeasuredStudy):
        if not (isinstance(study.config, type) and issubclass(study.config, StudyConfig)):
            yield f"config is {study.config!r}; give a subclass of StudyConfig"
        elif missing := sorted(study.config.__abstractmethods__):
            yield f"{study.config.__name__} lacks {', '.join(missing)}; define it in the class"
        return
    with TemporaryDirectory() as folder:
        page = study.page(simulate(study, Path(folder)))
        if not page.findings:
            yield "its page has no findings; answer its question in a sentence"
        if not page.sections:
            yield "its page has no sections; show the figures behind the answer"
        if not (Path(folder) / "result.json").is_file():
            yield "it writes no result.json"


RULES: tuple[Rule[AnyStudy], ...] = (has_a_name, publishes)
