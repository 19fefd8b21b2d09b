"""Records of earlier versions: the same figures and the same audit, whatever has been rebuilt since."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from lab.cli.main import app
from lab.record.entries import Start
from lab.record.record import FORMAT
from lab.record.run_folder import open_run

KEPT = sorted((Path(__file__).parent / "kept_records").iterdir())


@pytest.fixture(params=KEPT, ids=lambda path: path.name)
def kept(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """Copy one of the kept runs, for reading a record must not change the one that is kept."""
    return Path(shutil.copytree(request.param, tmp_path / "run"))


FIRST_RELEASED = 2
"""Format of the first version that was given to users; records of format 1 have another layout and are refused."""


def written_format(folder: Path) -> int:
    with open_run(folder) as record:
        (start,) = map(Start.of, record.entries("start"))
    return start.format


def test_a_record_of_each_format_ever_released_is_kept(tmp_path: Path) -> None:
    copies = [Path(shutil.copytree(path, tmp_path / path.name)) for path in KEPT]
    assert {written_format(copy) for copy in copies} == set(range(FIRST_RELEASED, FORMAT + 1))


def test_the_figures_of_a_kept_record_can_be_exported(kept: Path) -> None:
    result = CliRunner().invoke(app, ["export", str(kept), "--json"])
    assert result.exit_code == 0, result.output
    tables = json.loads(result.stdout)
    audited = expected(kept, "audit")
    assert len(tables["tasks"]["rows"]) == audited["rounds"]
    assert len(tables["epochs"]["rows"]) == audited["epochs"]


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
