"""Stopping a gateway that was started in the background, where a shell lets it ignore Ctrl-C."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
CONFIG = """
subnet = "tests.lab.records:Digits"
[[miners]]
name = "sayer"
kind = "tests.lab.records:Sayer"
[[validators]]
name = "judge"
[chain]
epochs = 1
rounds_per_epoch = 1
[pool]
kind = "local"
"""


@pytest.mark.slow
def test_a_gateway_that_ignores_ctrl_c_ends_whole_when_it_is_terminated(tmp_path: Path) -> None:
    (tmp_path / "run.toml").write_text(CONFIG)
    options = ["--out", tmp_path / "run", "--keys", tmp_path / "keys.json", "--port", "0"]
    command = ["bash", "-c", "trap '' INT; exec \"$@\"", "bash", sys.executable, "-m", "lab", "gateway"]
    with subprocess.Popen(
        [*command, tmp_path / "run.toml", *options], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as gateway:
        assert gateway.stdout is not None
        assert gateway.stdout.readline().startswith("serving digits at http://127.0.0.1:")
        gateway.send_signal(signal.SIGTERM)
        _, said = gateway.communicate(timeout=120)
    assert (gateway.returncode, said) == (130, f"Stopped. Nothing was lost; continue {tmp_path}/run with --resume.\n")
