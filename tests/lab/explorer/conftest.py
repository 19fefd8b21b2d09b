"""A folder with a recorded run, and the explorer in front of it, asked without a network."""

import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from lab.explorer.app import Explorer
from lab.explorer.shelf import Shelf
from lab.explorer.worker import Worker
from tests.lab.records import Bodies, make_config, make_record, rewrite

HOSTILE = "<img src=x onerror=alert(1)>"
"""A name that a stranger may have chosen."""


@pytest.fixture(scope="session")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with two runs, one of them hostile, and a study with one arm."""
    folder = tmp_path_factory.mktemp("runs")
    make_record(folder / "first").close()
    miners = [{"name": name, "kind": "tests.lab.records:Injector", "coldkey": name} for name in ("forged", "twin")]
    make_record(folder / "hostile", make_config(miners=miners, chain={"epochs": 2, "rounds_per_epoch": 3})).close()
    rewrite(folder / "hostile", _forge)
    shutil.copytree(folder / "first", folder / "study" / "arms" / "one")
    (folder / "study" / "study.json").write_text('{"study": "<b>overhead</b>", "config": {}}')
    (folder / "study" / "index.html").write_text("<script>alert(1)</script>found")
    return folder


@pytest.fixture(scope="session")
def worker() -> Iterator[Worker]:
    worker = Worker(executor=lambda: ThreadPoolExecutor(1))
    yield worker
    worker.close()


@pytest.fixture(scope="session")
def explorer(runs: Path, worker: Worker) -> Explorer:
    return Explorer(Shelf.of(str(runs)), worker, place=str(runs))


@pytest.fixture
def client(explorer: Explorer) -> Iterator[TestClient]:
    with TestClient(explorer.app(), base_url="http://127.0.0.1", follow_redirects=False) as client:
        yield client


def _forge(entries: Bodies) -> None:
    """Put markup wherever a stranger's record may hold text."""
    for kind, _, body in entries:
        if kind == "start":
            neuron = next(neuron for neuron in body["neurons"] if neuron["name"] == "forged")
            neuron |= {"name": HOSTILE, "coldkey": HOSTILE, "kind": HOSTILE, "hotkey": HOSTILE}
        elif kind == "round":
            body |= {"kind": HOSTILE, "task_id": HOSTILE}
            for answer in body["answers"]:
                answer |= {"score_reason": HOSTILE, "parts": {HOSTILE: 0.5}}
                answer |= {"reason": HOSTILE} if "fault" in answer else {}
