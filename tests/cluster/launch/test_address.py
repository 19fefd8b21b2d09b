"""Joining a cluster that runs already."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from cluster import PoolError
from cluster.ray.address import find
from cluster.ray.jobs import Jobs
from lab.record.entries import GradedRound
from lab.record.run_folder import open_run
from tests.cluster.launch.heads import Head, start_head, subnetlab

pytestmark = pytest.mark.ray

TINY = """
seed = 3
subnet = {kind = "ocr", difficulty = 0.2}
[[miners]]
name = "reader"
kind = "tesseract"
[[miners]]
name = "other"
kind = "echo"
[[validators]]
name = "v"
[chain]
epochs = 1
rounds_per_epoch = 2
[bare]
every = 0
"""


def scores(folder: Path) -> dict[str, Any]:
    with open_run(folder) as record:
        rounds = [GradedRound.of(entry) for entry in record.entries("round")]
    return {graded.key: [(answer.uid, answer.score, answer.blob) for answer in graded.answers] for graded in rounds}


@pytest.fixture
def as_user(head: Head, monkeypatch: pytest.MonkeyPatch) -> Head:
    for key in [key for key in os.environ if key.startswith("RAY_")]:
        monkeypatch.delenv(key)
    monkeypatch.setenv("RAY_AUTH_TOKEN_PATH", str(head.token))
    return head


def test_a_run_joins_a_cluster_and_scores_as_a_local_pool_does(head: Head, tmp_path: Path) -> None:
    """With a plug-in of the folder that the user is in."""
    config = tmp_path / "tiny.toml"
    config.write_text(TINY.replace('"echo"', '"mine:Parrot"'))
    (tmp_path / "mine.py").write_text("from miners.fakes import Echo\nclass Parrot(Echo):\n    description = 'mine'\n")
    outside = head.outside()
    asked = ("run", config, "--address", head.address, "--out", tmp_path / "there", "--json")
    shown = subnetlab(*asked, environment=outside, folder=tmp_path)
    assert json.loads(shown)["report"] == str(tmp_path / "there" / "report.html")
    subnetlab(
        *("run", config, "--pool.kind", "local", "--out", tmp_path / "here"), environment=outside, folder=tmp_path
    )
    assert scores(tmp_path / "there") == scores(tmp_path / "here")
    assert max(value for _, value, _ in next(iter(scores(tmp_path / "here").values()))) > 0.5
    named = json.loads((tmp_path / "there" / "config.json").read_text())["pool"]["address"]
    assert named == head.address


def test_auto_finds_the_cluster_that_the_environment_names(as_user: Head, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAY_ADDRESS", as_user.address)
    place = find("auto")
    assert (place.address, place.hosts, place.token, place.loopback) == (as_user.address, ("127.0.0.1",), True, True)


def test_a_cluster_whose_token_is_not_here_is_refused_with_where_to_get_it(
    as_user: Head, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("RAY_AUTH_TOKEN_PATH", str(tmp_path / "none"))
    with pytest.raises(PoolError, match=r"asks for a token and there is none here: copy the head's ~/\.ray/auth_token"):
        find(as_user.address)
    (tmp_path / "none").write_text("0" * 64)
    with pytest.raises(PoolError, match="asks for another token than the one in"):
        find(as_user.address)


def test_a_cluster_without_a_token_is_joined_on_loopback_and_refused_where_others_reach_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    unguarded = start_head(token=False, dashboard=True)
    try:
        place = find(unguarded.address)
        assert (place.hosts, place.token) == (("127.0.0.1",), False)
        Jobs(unguarded.dashboard)
        monkeypatch.setattr("cluster.ray.jobs.is_loopback", lambda host: host == "localhost")
        with pytest.raises(PoolError, match="is refused: it is open to the network without a token.* ShadowRay"):
            Jobs(unguarded.dashboard.replace("127.0.0.1", "localhost"))  # as through a tunnel
        monkeypatch.setattr("cluster.ray.address.is_loopback", lambda host: False)
        with pytest.raises(PoolError, match="is refused: it is open to the network without a token.* ShadowRay"):
            find(unguarded.address)
    finally:
        unguarded.stop()


@pytest.mark.parametrize("wrong", ["127.0.0.1", "http://127.0.0.1:8265", ":6379", "head:port"])
def test_an_invalid_address_is_refused_with_a_valid_example(wrong: str) -> None:
    with pytest.raises(PoolError, match="is not a Ray cluster address: write host:port, as in 10.0.0.10:6379, or auto"):
        find(wrong)


def test_an_address_does_not_go_with_a_local_pool(tmp_path: Path) -> None:
    config = tmp_path / "tiny.toml"
    config.write_text(TINY)
    output = subnetlab(
        "run", config, "--address", "auto", "--pool.kind", "local", environment=dict(os.environ), expect=2
    )
    assert "pool.address: 'auto' is the address of a Ray cluster, but kind is 'local'" in output
