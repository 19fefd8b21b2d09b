"""`subnetlab cluster plan`, for machines that are named."""

import json
from pathlib import Path

from typer.testing import CliRunner, Result

from cluster.launch import LaunchError
from lab.cli.main import app

CONFIG = """
subnet = "tests.lab.records:Digits"
miners = [
    {name = "here", kind = "tests.cluster.fakes:Works", labels = {zone = "a"}},
    {name = "fast", kind = "tests.cluster.fakes:Works", resources = {nvme = 1}},
    {name = "any", kind = "echo"},
]
validators = [{name = "v"}]
"""


def plan(folder: Path, *nodes: str) -> Result:
    path = folder / "tiny.toml"
    path.write_text(CONFIG)
    return CliRunner().invoke(app, ["cluster", "plan", str(path), *(f"--nodes={node}" for node in nodes), "--json"])


def test_labels_and_custom_resources_of_named_machines_are_planned_for(tmp_path: Path) -> None:
    shown = plan(tmp_path, "1:cpus=2,label.zone=a", "1:cpus=4,resource.nvme=1")
    assert shown.exit_code == 0, shown.output
    hosts = {host["host"]: host for host in json.loads(shown.stdout)["hosts"]}
    assert {name: host["node"] for name, host in hosts.items() if name != "io"} == {
        **{"cpu@zone=a-0": "n0-0", "cpu@zone=a-1": "n0-0", "cpu@nvme=1": "n1-0"}
    }
    assert (hosts["cpu@zone=a-0"]["labels"], hosts["cpu@nvme=1"]["resources"]) == ({"zone": "a"}, {"nvme": 1.0})


def test_a_cloud_without_its_client_is_one_line_with_what_to_install(tmp_path: Path) -> None:
    """The suite's own environment has none."""
    spec = (Path(__file__).parents[2] / "configs" / "clusters" / "aws.toml").read_text()
    (tmp_path / "aws.toml").write_text(spec)
    for verb in ("up", "status", "down"):
        shown = CliRunner().invoke(app, ["cluster", verb, str(tmp_path / "aws.toml")])
        assert isinstance(shown.exception, LaunchError) and str(shown.exception) == "aws needs boto3: pip install boto3"


def test_gpus_that_a_plan_leaves_idle_are_reported(tmp_path: Path) -> None:
    (tmp_path / "tiny.toml").write_text(CONFIG.replace(', labels = {zone = "a"}', ""))
    shown = CliRunner().invoke(
        app, ["cluster", "plan", str(tmp_path / "tiny.toml"), "--nodes", "1:cpus=8,gpus=1,gpu=L4,resource.nvme=1"]
    )
    assert "no host takes a GPU" in shown.stdout and shown.stdout.endswith("all fits\n")


def test_what_no_named_machine_has_is_missing(tmp_path: Path) -> None:
    shown = plan(tmp_path, "1:cpus=2,label.zone=b,resource.nvme=1")
    assert shown.exit_code == 1
    assert json.loads(shown.stdout)["missing"] == "cpu@zone=a needs a node with zone = a; the cluster has zone = b"
