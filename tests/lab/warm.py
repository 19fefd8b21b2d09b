"""Run once when imported, so that the children of a fork server find everything imported and compiled."""

from pathlib import Path
from tempfile import TemporaryDirectory

from lab.run.session import run
from tests.lab.records import make_config

with TemporaryDirectory() as folder:
    run(make_config(chain={"epochs": 1, "rounds_per_epoch": 1}), Path(folder)).close()
