"""What every study in STUDIES has: a question, a config, documentation, tests and a working command."""

from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from lab.cli.run.study import app
from lab.studies import STUDIES
from lab.studies.register import load_study, question_of
from lab.studies.study import MeasuredStudy, SimulatedStudy, StudyConfig

ROOT = Path(__file__).parents[3]


def test_the_help_lists_every_study_with_its_question() -> None:
    shown = CliRunner().invoke(app, ["--help"]).output
    for name in STUDIES:
        assert f"\n  {name} " in shown
        assert " ".join(question_of(name).split()[:5]) in shown and "?" in question_of(name)


@pytest.mark.parametrize("name", STUDIES)
def test_the_help_of_each_study_works_and_lists_the_keys_of_its_config(name: str) -> None:
    result = CliRunner().invoke(app, [name, "--help"])
    assert result.exit_code == 0 and "--json" in result.output and "--out" in result.output
    measured = isinstance(load_study(name), MeasuredStudy)
    assert ("--chain.epochs" in result.output) == ("--budget" in result.output) == measured


@pytest.mark.parametrize("name", STUDIES)
@pytest.mark.slow
def test_each_study_has_a_config_and_is_called_by_its_name(name: str) -> None:
    found: Any = load_study(name)
    assert found.name == name
    if isinstance(found, MeasuredStudy):
        assert issubclass(found.config, StudyConfig)
        for path in (ROOT / "configs" / "studies").glob(f"{name}_*.toml"):
            assert found.config.read(path).arms(full=False)
    else:
        assert isinstance(found, SimulatedStudy) and found.config() is not None


@pytest.mark.parametrize("name", STUDIES)
def test_each_study_is_documented_and_tested(name: str) -> None:
    assert f"`subnetlab study {name}" in (ROOT / "docs" / "studies.md").read_text()
    assert f"subnetlab study {name}" in (ROOT / "README.md").read_text()
    assert (Path(__file__).parent / f"test_{name.replace('-', '_')}.py").is_file()


def test_an_unknown_study_is_refused() -> None:
    assert CliRunner().invoke(app, ["gut-feeling"]).exit_code == 2
