"""Records of earlier versions: the same figures and the same audit, whatever has been rebuilt since."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from lab.cli.main import app

KEPT = sorted((Path(__file__).parent / "kept_records").iterdir())


@pytest.fixture(params=KEPT, ids=lambda path: path.name)
def kept(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """Copy one of the kept runs, for reading a record must not change the one that is kept."""
    return Path(shutil.copytree(request.param, tmp_path / "run"))


def expected(folder: Path, command: str) -> Any:
    return json.loads((folder / "expected.json").read_text(encoding="utf-8"))[command]


def test_the_report_of_a_kept_record_has_the_figures_that_it_had(kept: Path) -> None:
    result = CliRunner().invoke(app, ["report", str(kept), "--json"])
    assert result.exit_code == 0, result.output
    figures = json.loads(result.stdout)
    assert Path(figures.pop("report")).is_file()
    assert figures == expected(kept, "report")


def test_the_audit_of_a_kept_record_finds_everything_as_recorded(kept: Path) -> None:
    result = CliRunner().invoke(app, ["audit", str(kept), "--json"])
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout) == expected(kept, "audit")
