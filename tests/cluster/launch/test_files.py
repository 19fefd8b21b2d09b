"""Everything that is generated, checked against the schemas of those who read it."""

import secrets
import shlex
import subprocess
import zipfile
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from ray._private.runtime_env.packaging import create_package
from ray.autoscaler._private.util import prepare_config, validate_config

from cluster.launch import ClusterSpec, LaunchError, launcher_file, manifests, up_commands
from cluster.launch.files import start_command
from cluster.ray_session import NOT_SHIPPED
from tests.cluster.launch.kuberay import check

ROOT = Path(__file__).parents[3]
CLUSTERS = ROOT / "configs" / "clusters"


def spec(name: str, **changes: Any) -> ClusterSpec:
    shipped = ClusterSpec.read(CLUSTERS / f"{name}.toml")
    return ClusterSpec.model_validate(shipped.model_dump() | changes)


def launched(cluster: ClusterSpec) -> dict[str, Any]:
    made: dict[str, Any] = yaml.safe_load(launcher_file(cluster, "a.toml"))
    return made


@pytest.mark.parametrize("name", ["aws", "gcp", "on_premise", "one_machine"])
def test_what_rays_launcher_is_given_passes_its_own_schema(name: str) -> None:
    made = launched(spec(name))
    validate_config(prepare_config(made))
    with pytest.raises(jsonschema.ValidationError, match="provder"):
        validate_config(prepare_config(made | {"provder": {}}))


@pytest.mark.parametrize("name", ["aws", "gcp", "on_premise"])
def test_every_node_starts_behind_a_token_that_no_file_holds(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = tmp_path / "token"
    token.write_text(secrets.token_hex(32))
    monkeypatch.setenv("RAY_AUTH_TOKEN_PATH", str(token))
    text = launcher_file(spec(name), "a.toml")
    made = yaml.safe_load(text)
    assert token.read_text() not in text
    assert made["file_mounts"] == {"~/.ray/auth_token": str(token)}
    for start in (made["head_start_ray_commands"][-1], made["worker_start_ray_commands"][-1]):
        assert "RAY_AUTH_MODE=token " in start
        assert "0.0.0.0" not in start
    assert "--dashboard-host=127.0.0.1" in made["head_start_ray_commands"][-1]


def test_machines_of_the_cloud_are_as_described() -> None:
    nodes = launched(spec("aws"))["available_node_types"]
    assert (nodes["head"]["max_workers"], nodes["l4"]["min_workers"], nodes["l4"]["max_workers"]) == (0, 2, 2)
    assert nodes["l4"]["resources"] == {"CPU": 8, "GPU": 1}
    assert nodes["l4"]["node_config"]["BlockDeviceMappings"][0]["Ebs"]["VolumeSize"] == 200
    google = launched(spec("gcp"))["available_node_types"]["l4"]["node_config"]
    assert google["scheduling"] == [{"onHostMaintenance": "TERMINATE"}]
    assert "guestAccelerators" not in google  # a g2 brings its own


def test_every_way_of_starting_a_machine_gives_it_its_labels_and_custom_resources() -> None:
    asked: dict[str, Any] = {"labels": {"zone": "a"}, "resources": {"nvme": 2}}
    for name in ("aws", "kubernetes"):
        cluster = spec(name)
        worker = cluster.workers[0].model_copy(update=asked)
        changed = cluster.model_copy(update={"workers": (worker,)})
        if name == "aws":
            made = launched(changed)
            validate_config(prepare_config(made))
            node = made["available_node_types"]["l4"]
            assert node["labels"] == {"ray.io/accelerator-type": "L4", "zone": "a"}
            assert node["resources"] == {"CPU": 8, "GPU": 1, "nvme": 2}
        else:
            made = yaml.safe_load(manifests(changed, "a.toml")["raycluster.yaml"])
            check("raycluster.yaml", made)
            (group,) = made["spec"]["workerGroupSpecs"]
            start = {"labels": "ray.io/accelerator-type=L4,zone=a", "resources": r'"{\"nvme\": 2}"'}
            assert group["rayStartParams"] == start
            assert shlex.split(start["resources"]) == ['{"nvme": 2}']
    rack = spec("on_premise")
    words = start_command(rack, rack.workers[0].model_copy(update=asked), "10.0.0.11", head="10.0.0.10")
    assert words[-2:] == ["--labels=ray.io/accelerator-type=L4,zone=a", '--resources={"nvme": 2}']


def test_what_a_user_writes_stays_text() -> None:
    command = """echo "a: [b" {{ 7 * 7 }} # 'c' $(id)"""
    made = launched(spec("aws", set_up=[command]))
    assert made["setup_commands"][-1] == command
    assert made["cluster_name"] == "lab-aws"


@pytest.mark.parametrize("name", ["raycluster.yaml", "rayjob.yaml", "rayservice.yaml", "networkpolicy.yaml"])
def test_manifests_are_as_kuberay_documents_them_and_their_pods_as_kubernetes_has_them(name: str) -> None:
    text = manifests(spec("kubernetes"), "a.toml")[name]
    check(name, yaml.safe_load(text))
    deep = "podSelector:" if name == "networkpolicy.yaml" else "limits:"
    for field in ("spec:", "metadata:", deep):
        with pytest.raises(jsonschema.ValidationError, match="wrong"):
            check(name, yaml.safe_load(text.replace(field, "wrong:", 1)))


def test_a_cluster_grows_up_to_what_is_allowed() -> None:
    cluster = spec("aws")
    changed = cluster.model_copy(
        update={"workers": (cluster.workers[0].model_copy(update={"nodes": 0, "max_nodes": 8}),)}
    )
    made = launched(changed)
    validate_config(prepare_config(made))
    node = made["available_node_types"]["l4"]
    assert (node["min_workers"], node["max_workers"], made["max_workers"]) == (0, 8, 8)
    assert "--autoscaling-config=" in made["head_start_ray_commands"][-1]

    cluster = spec("kubernetes")
    fixed, growing = cluster.workers
    changed = cluster.model_copy(update={"workers": (fixed, growing.model_copy(update={"max_nodes": 9}))})
    made = yaml.safe_load(manifests(changed, "a.toml")["raycluster.yaml"])
    check("raycluster.yaml", made)
    replicas = [(group["minReplicas"], group["maxReplicas"]) for group in made["spec"]["workerGroupSpecs"]]
    assert replicas == [(2, 2), (4, 9)]
    assert made["spec"]["enableInTreeAutoscaling"] and made["spec"]["autoscalerOptions"]["version"] == "v2"
    head, *workers = (
        group["template"]["spec"] for group in (made["spec"]["headGroupSpec"], *made["spec"]["workerGroupSpecs"])
    )
    assert "automountServiceAccountToken" not in head, "the autoscaler beside it asks Kubernetes for pods"
    assert [pod["automountServiceAccountToken"] for pod in workers] == [False, False]


def test_a_job_runs_the_config_and_keeps_its_record_outside_the_pod() -> None:
    made = yaml.safe_load(manifests(spec("kubernetes"), "a.toml")["rayjob.yaml"])
    assert shlex.split(made["spec"]["entrypoint"]) == [
        *("subnetlab", "run", "configs/ocr.toml", "--address", "auto", "--out", "runs/job"),
        *("--record", "postgresql+psycopg://subnetlab@postgres/runs"),
    ]
    groups = {group["groupName"]: group for group in made["spec"]["rayClusterSpec"]["workerGroupSpecs"]}
    assert groups["l4"]["replicas"] == 2
    assert groups["l4"]["template"]["spec"]["containers"][0]["resources"]["limits"]["nvidia.com/gpu"] == "1"


def test_a_service_serves_the_model_by_rays_own_application() -> None:
    made = yaml.safe_load(manifests(spec("kubernetes"), "a.toml")["rayservice.yaml"])
    (application,) = yaml.safe_load(made["spec"]["serveConfigV2"])["applications"]
    assert application["import_path"] == "ray.serve.llm:build_openai_app"
    (model,) = application["args"]["llm_configs"]
    assert (model["model_loading_config"]["model_id"], model["accelerator_type"]) == (
        "HuggingFaceTB/SmolLM2-135M-Instruct",
        "L4",
    )
    assert "rayservice.yaml" not in manifests(spec("kubernetes", kubernetes={}), "a.toml")


def test_tls_is_asked_of_the_operator_or_of_ray() -> None:
    made = yaml.safe_load(manifests(spec("kubernetes", kubernetes={"tls": True}), "a.toml")["raycluster.yaml"])
    check("raycluster.yaml", made)
    assert made["spec"]["tlsOptions"] == {"enabled": True}
    paths = {"cert": "/etc/ray/tls.crt", "key": "/etc/ray/tls.key", "ca": "/etc/ray/ca.crt"}
    start = launched(spec("aws", tls=paths))["worker_start_ray_commands"][-1]
    assert "RAY_USE_TLS=1 RAY_TLS_SERVER_CERT=/etc/ray/tls.crt " in start


def test_the_image_has_every_room_and_copies_nothing_unnamed() -> None:
    made = manifests(spec("kubernetes"), "a.toml")["Containerfile"]
    copied = {line.split()[-1] for line in made.splitlines() if line.startswith("COPY")}
    assert {"lab", "cluster", "validators", "miners", "subnets", "consensus", "configs"} <= copied
    assert "COPY --chown=ray . " not in made
    for name in copied - {"./"}:
        assert (ROOT / name).is_dir()
    assert "FROM ${RAY_IMAGE}" in made


def test_manifests_need_a_size_for_each_pod() -> None:
    with pytest.raises(LaunchError, match="manifests need image, and cpus and memory_gb"):
        manifests(spec("aws"), "a.toml")
    with pytest.raises(LaunchError, match="does not start Kubernetes clusters"):
        launcher_file(spec("kubernetes"), "a.toml")


def test_the_scripts_that_go_over_ssh_are_whole_shell(tmp_path: Path) -> None:
    scripts = [command.script for command in up_commands(spec("on_premise"), tmp_path) if command.script]
    assert len(scripts) == 3
    for script in scripts:
        subprocess.run(["bash", "-n"], input=script, text=True, check=True)
        assert "export RAY_AUTH_MODE=token\n" in script
    assert "--head" in scripts[0]
    assert "--address=10.0.0.10:6379 --node-ip-address=10.0.0.11" in scripts[1]


@pytest.mark.parametrize(
    ("provider", "words"), [("aws", ["up", "--yes", "--no-config-cache"]), ("kubernetes", ["apply"])]
)
def test_clouds_are_left_to_their_own_launchers(provider: str, words: list[str], tmp_path: Path) -> None:
    (command,) = up_commands(spec(provider), tmp_path)
    assert Path(command.words[0]).name == {"aws": "ray", "kubernetes": "kubectl"}[provider]
    assert set(words) <= set(command.words)


def test_wallets_records_and_history_are_not_sent_to_a_cluster(tmp_path: Path) -> None:
    for name in ("lab/run.py", ".subnetlab/wallets/key", "runs/ocr/record.sqlite", ".git/config", ".venv/bin/ray"):
        (tmp_path / "checkout" / name).parent.mkdir(parents=True)
        (tmp_path / "checkout" / name).write_text("x")
    sent = tmp_path / "sent.zip"
    create_package(str(tmp_path / "checkout"), sent, excludes=NOT_SHIPPED, include_gitignore=False)
    assert [name for name in zipfile.ZipFile(sent).namelist() if not name.endswith("/")] == ["lab/run.py"]
