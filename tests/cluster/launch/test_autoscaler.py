"""A cluster that grows for a run and shrinks after it, by Ray's own autoscaler; its machines are processes here."""

import re
import time
from pathlib import Path

import pytest

from tests.cluster.launch.heads import start_head, subnetlab
from tests.cluster.launch.test_address import TINY, scores

pytestmark = pytest.mark.ray

PATIENCE_S = 120.0


def test_a_run_has_machines_made_that_suit_it_and_they_go_when_it_is_over(tmp_path: Path) -> None:
    config = tmp_path / "tiny.toml"
    config.write_text(TINY.replace('kind = "tesseract"', 'kind = "tesseract"\nlabels = {zone = "b"}'))
    room = {"resources": {"CPU": 1, "object_store_memory": 80_000_000}, "node_config": {}, "max_workers": 4}
    head = start_head(grows={f"zone-{zone}": room | {"labels": {"zone": zone}} for zone in "ab"})
    try:
        asked = ("run", config, "--address", head.address, "--pool.hosts", "2", "--out", tmp_path / "there")
        subnetlab(*asked, "--pool.wait_for_nodes_s", f"{PATIENCE_S:g}", environment=head.outside())
        monitor = head.folder / "ray" / "session_latest" / "logs" / "monitor.log"
        until = time.monotonic() + PATIENCE_S
        while count(r"Removing (\d+) nodes of type zone-b \(idle\)", said := monitor.read_text()) < 2:
            assert time.monotonic() < until, re.findall(r".*(?:Adding|Removing).*", said)
            time.sleep(0.5)
    finally:
        head.stop()
    assert count(r"Adding (\d+) node\(s\) of type zone-b", said) == 2 and "of type zone-a" not in said
    assert len(scores(tmp_path / "there")) == 2


def count(pattern: str, said: str) -> int:
    """Sum the numbers in a log: machines may come and go one by one."""
    return sum(map(int, re.findall(pattern, said)))
