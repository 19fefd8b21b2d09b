import json

from typer.testing import CliRunner

from lab.cli.main import app

RUNNER = CliRunner()


def test_the_list_names_every_model_and_its_state() -> None:
    shown = RUNNER.invoke(app, ["models", "list"])
    assert shown.exit_code == 0
    assert "smollm2-135m-instruct" in shown.output and "all-minilm-l6-v2" in shown.output


def test_the_list_can_be_one_json_document() -> None:
    listed = json.loads(RUNNER.invoke(app, ["models", "list", "--json"]).output)
    assert {"name", "sort", "licence", "ready", "folder", "get"} == set(listed[0])


def test_preparing_an_unknown_model_fails_with_the_fix() -> None:
    failed = RUNNER.invoke(app, ["models", "prepare", "no-such-model"])
    assert "subnetlab models list" in str(failed.exception)
