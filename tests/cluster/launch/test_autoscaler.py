"""A cluster that grows for a run and shrinks after it, by Ray's own autoscaler; its machines are processes here."""

import time
from pathlib import Path

from tests.cluster.launch.heads import Head, subnetlab
from tests.cluster.launch.test_address import TINY, scores

PATIENCE_S = 120.0


def test_a_run_has_machines_made_that_suit_it_and_they_go_when_it_is_over(tmp_path: Path) -> None:
    config = tmp_path / "tiny.toml"
    config.write_text(TINY.replace('kind = "tesseract"', 'kind = "tesseract"\nlabels = {zone = "b"}'))
    room = {"resources": {"CPU": 1, "object_store_memory": 80_000_000}, "node_config": {}, "max_workers": 4}
    head = Head(grows={f"zone-{zone}": room | {"labels": {"zone": zone}} for zone in "ab"})
    try:
        asked = ("run", config, "--address", head.address, "--pool.hosts", "2", "--out", tmp_path / "there")
        subnetlab(*asked, "--pool.wait_for_nodes_s", f"{PATIENCE_S:g}", environment=head.outside())
        monitor = head.folder / "ray" / "session_latest" / "logs" / "monitor.log"
        until = time.monotonic() + PATIENCE_S
        while "Removing 2 nodes of type zone-b (idle)" not in (said := monitor.read_text()):
            assert time.monotonic() < until, said[-2000:]
            time.sleep(0.5)
    finally:
        head.stop()
    assert "Adding 2 node(s) of type zone-b" in said and "of type zone-a" not in said
    assert len(scores(tmp_path / "there")) == 2
