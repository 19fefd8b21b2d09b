"""Everything that is generated, checked against the schemas of those who read it."""

import shlex
import subprocess
import tomllib
import zipfile
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from ray._private.runtime_env.packaging import create_package
from ray.autoscaler._private.docker import docker_start_cmds
from ray.autoscaler._private.util import prepare_config, validate_config
from ray.autoscaler.sdk import get_docker_host_mount_location

from cluster.launch import (
    ClusterSpec,
    Command,
    LaunchError,
    down_commands,
    launcher_file,
    manifests,
    ready_token,
    status_commands,
    up_commands,
)
from cluster.launch.files import start_command
from cluster.ray.code_upload import code_folder
from tests.cluster.launch.kuberay import check, templates

ROOT = Path(__file__).parents[3]
CLUSTERS = ROOT / "configs" / "clusters"
HERE = {"provider": "on_premise", "head": {"machine": "127.0.0.1"}}
TLS = {"cert": "/etc/ray/tls.crt", "key": "/etc/ray/tls.key", "ca": "/etc/ray/ca.crt"}


def spec(name: str, **changes: Any) -> ClusterSpec:
    shipped = ClusterSpec.read(CLUSTERS / f"{name}.toml")
    return ClusterSpec.model_validate(shipped.model_dump() | changes)


def launched(cluster: ClusterSpec) -> dict[str, Any]:
    manifest: dict[str, Any] = yaml.safe_load(launcher_file(cluster, "a.toml"))
    return manifest


@pytest.mark.parametrize("name", ["aws", "gcp", "on_premise", "one_machine"])
def test_what_rays_launcher_is_given_passes_its_own_schema(name: str) -> None:
    manifest = launched(spec(name))
    validate_config(prepare_config(manifest))
    with pytest.raises(jsonschema.ValidationError, match="provder"):
        validate_config(prepare_config(manifest | {"provder": {}}))


@pytest.mark.parametrize("name", ["aws", "gcp", "on_premise"])
def test_every_node_starts_behind_a_token_that_no_file_holds(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    cluster = spec(name)
    ready_token(cluster)
    token = tmp_path / ".subnetlab" / cluster.name / "token"
    text = launcher_file(cluster, "a.toml")
    manifest = yaml.safe_load(text)
    assert token.read_text() not in text
    there = f"~/.subnetlab/{cluster.name}/token"
    assert manifest["file_mounts"] == {there: str(token)}
    for start in (manifest["head_start_ray_commands"][-1], manifest["worker_start_ray_commands"][-1]):
        assert f"RAY_AUTH_MODE=token RAY_AUTH_TOKEN_PATH={there} ray start" in start.replace(cluster.command, "ray")
        assert "0.0.0.0" not in start
    assert "--dashboard-host=127.0.0.1" in manifest["head_start_ray_commands"][-1]


def test_every_cluster_has_a_token_of_its_own_and_keeps_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("RAY_AUTH_TOKEN", "that of this machine's own Ray")
    first, second = spec("on_premise"), ClusterSpec.model_validate(HERE | {"name": "other"})
    ready_token(first)
    token = first.token_file.read_text()
    for cluster in (first, second):
        ready_token(cluster)
    assert (first.token_file.read_text(), len(token)) == (token, 64)
    assert second.token_file.read_text() != token
    assert (first.token_file.stat().st_mode & 0o777, first.token_file.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    (tmp_path / ".subnetlab" / "third").write_text("")
    with pytest.raises(LaunchError, match="third/token: Not a directory; make that folder your own"):
        ready_token(ClusterSpec.model_validate(HERE | {"name": "third"}))
    ready_token(spec("kubernetes"))
    assert not (tmp_path / ".subnetlab" / "lab").exists(), "the operator makes it"


def test_a_container_may_read_the_token_that_its_machine_keeps_from_others(tmp_path: Path) -> None:
    cluster = spec("aws", tls=TLS)
    manifest = launched(cluster)
    options = manifest["docker"]["run_options"]
    words = shlex.split(
        docker_start_cmds("ubuntu", "i", manifest["file_mounts"], "c", options, cluster.name, "/home/ray", "docker")
    )
    mounts = [words[place + 1] for place, word in enumerate(words) if word == "-v"]
    mounted, _, inside = mounts[0].partition(":")
    assert inside == f"/home/ray/.subnetlab/{cluster.name}/token"
    assert mounts[1:] == [f"{file}:{file}:ro" for file in TLS.values()]

    root = get_docker_host_mount_location(cluster.name)
    token = tmp_path / mounted.removeprefix(f"{root}/")
    token.parent.mkdir(parents=True)
    token.write_text("")
    token.chmod(0o600)
    (command,) = manifest["initialization_commands"]
    subprocess.run(["bash", "-c", command.replace(root, str(tmp_path))], check=True)
    assert (token.stat().st_mode & 0o777, tmp_path.stat().st_mode & 0o777) == (0o644, 0o700)
    assert "initialization_commands" not in launched(spec("aws", image=None))


def test_machines_of_the_cloud_are_as_described() -> None:
    nodes = launched(spec("aws"))["available_node_types"]
    assert (nodes["head"]["max_workers"], nodes["l4"]["min_workers"], nodes["l4"]["max_workers"]) == (0, 2, 2)
    assert nodes["l4"]["resources"] == {"CPU": 8, "GPU": 1}
    assert nodes["head"]["resources"] == {"CPU": 0, "GPU": 0}, "its machine holds rights over the account"
    assert "--num-cpus=0 --num-gpus=0" in launched(spec("aws"))["head_start_ray_commands"][-1]
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
            manifest = launched(changed)
            validate_config(prepare_config(manifest))
            node = manifest["available_node_types"]["l4"]
            assert node["labels"] == {"ray.io/accelerator-type": "L4", "zone": "a"}
            assert node["resources"] == {"CPU": 8, "GPU": 1, "nvme": 2}
        else:
            manifest = yaml.safe_load(manifests(changed, "a.toml")["raycluster.yaml"])
            check("raycluster.yaml", manifest)
            (group,) = manifest["spec"]["workerGroupSpecs"]
            assert group["labels"] == {"ray.io/accelerator-type": "L4", "zone": "a"}
            assert group["rayStartParams"] == {"resources": r'"{\"nvme\": 2}"'}
            assert shlex.split(group["rayStartParams"]["resources"]) == ['{"nvme": 2}']
            with pytest.raises(jsonschema.ValidationError):
                group["rayStartParams"]["labels"] = "zone=a"
                check("raycluster.yaml", manifest)
    rack = spec("on_premise")
    worker = rack.workers[0].model_copy(update=asked)
    expected = [
        "--num-cpus=16",
        "--num-gpus=1",
        "--labels=ray.io/accelerator-type=L4,zone=a",
        '--resources={"nvme": 2}',
    ]
    assert start_command(rack, worker, "10.0.0.11", head="10.0.0.10")[-4:] == expected
    handed = launched(rack.model_copy(update={"launcher": "ray", "workers": (worker,)}))
    assert shlex.split(handed["worker_start_ray_commands"][-1])[-4:] == expected


def test_what_a_user_writes_stays_text() -> None:
    command = """echo "a: [b" {{ 7 * 7 }} # 'c' $(id)"""
    manifest = launched(spec("aws", set_up=[command]))
    assert manifest["setup_commands"][-1] == command
    assert manifest["cluster_name"] == "lab-aws"


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
    manifest = launched(changed)
    validate_config(prepare_config(manifest))
    node = manifest["available_node_types"]["l4"]
    assert (node["min_workers"], node["max_workers"], manifest["max_workers"]) == (0, 8, 8)
    assert "--autoscaling-config=" in manifest["head_start_ray_commands"][-1]

    cluster = spec("kubernetes")
    fixed, growing = cluster.workers
    changed = cluster.model_copy(update={"workers": (fixed, growing.model_copy(update={"max_nodes": 9}))})
    manifest = yaml.safe_load(manifests(changed, "a.toml")["raycluster.yaml"])
    check("raycluster.yaml", manifest)
    replicas = [(group["minReplicas"], group["maxReplicas"]) for group in manifest["spec"]["workerGroupSpecs"]]
    assert replicas == [(2, 2), (4, 9)]
    assert manifest["spec"]["enableInTreeAutoscaling"] and manifest["spec"]["autoscalerOptions"]["version"] == "v2"
    head, *workers = (
        group["template"]["spec"]
        for group in (manifest["spec"]["headGroupSpec"], *manifest["spec"]["workerGroupSpecs"])
    )
    assert "automountServiceAccountToken" not in head, "the autoscaler beside it asks Kubernetes for pods"
    assert [pod["automountServiceAccountToken"] for pod in workers] == [False, False]


def test_a_job_runs_the_config_and_keeps_its_record_outside_the_pod() -> None:
    manifest = yaml.safe_load(manifests(spec("kubernetes"), "a.toml")["rayjob.yaml"])
    assert shlex.split(manifest["spec"]["entrypoint"]) == [
        *("subnetlab", "run", "configs/ocr.toml", "--address", "auto", "--out", "runs/job"),
        *("--record", "postgresql+psycopg://subnetlab@postgres/runs"),
    ]
    groups = {group["groupName"]: group for group in manifest["spec"]["rayClusterSpec"]["workerGroupSpecs"]}
    assert groups["l4"]["replicas"] == 2
    assert groups["l4"]["template"]["spec"]["containers"][0]["resources"]["limits"]["nvidia.com/gpu"] == "1"


def test_a_service_serves_the_model_by_rays_own_application() -> None:
    manifest = yaml.safe_load(manifests(spec("kubernetes"), "a.toml")["rayservice.yaml"])
    (application,) = yaml.safe_load(manifest["spec"]["serveConfigV2"])["applications"]
    assert application["import_path"] == "ray.serve.llm:build_openai_app"
    (model,) = application["args"]["llm_configs"]
    assert (model["model_loading_config"]["model_id"], model["accelerator_type"]) == (
        "HuggingFaceTB/SmolLM2-135M-Instruct",
        "L4",
    )
    assert "rayservice.yaml" not in manifests(spec("kubernetes", kubernetes={}), "a.toml")


def test_the_operator_may_ask_a_served_model_how_it_is_and_makes_a_service_of_its_port() -> None:
    files = manifests(spec("kubernetes"), "a.toml")
    head = yaml.safe_load(files["rayservice.yaml"])["spec"]["rayClusterConfig"]["headGroupSpec"]
    (container,) = head["template"]["spec"]["containers"]
    assert {"containerPort": 8000, "name": "serve"} in container["ports"]
    assert "8000" not in files["raycluster.yaml"]
    operator = yaml.safe_load(files["networkpolicy.yaml"])["spec"]["ingress"][1]
    assert [port["port"] for port in operator["ports"]] == [8265, 8000]
    assert operator["from"][0]["podSelector"] == {"matchLabels": {"app.kubernetes.io/component": "kuberay-operator"}}


def test_all_pods_are_given_the_secret_that_is_named() -> None:
    for name, manifest in manifests(spec("kubernetes"), "a.toml").items():
        if name.startswith("ray"):
            pods = [template["spec"] for template in templates(yaml.safe_load(manifest))]
            sources = [container["envFrom"] for pod in pods for container in pod["containers"]]
            assert sources == [[{"secretRef": {"name": "lab-keys"}}]] * 3
    assert "envFrom" not in manifests(spec("kubernetes", kubernetes={}), "a.toml")["raycluster.yaml"]


def test_tls_is_asked_of_the_operator_or_of_ray() -> None:
    manifest = yaml.safe_load(manifests(spec("kubernetes", kubernetes={"tls": True}), "a.toml")["raycluster.yaml"])
    check("raycluster.yaml", manifest)
    assert manifest["spec"]["tlsOptions"] == {"enabled": True}
    start = launched(spec("aws", tls=TLS))["worker_start_ray_commands"][-1]
    assert "RAY_USE_TLS=1 RAY_TLS_SERVER_CERT=/etc/ray/tls.crt " in start


def test_the_image_has_every_room_and_copies_nothing_unnamed() -> None:
    containerfile = manifests(spec("kubernetes"), "a.toml")["Containerfile"]
    copied = {line.split()[-1] for line in containerfile.splitlines() if line.startswith("COPY")}
    assert {"lab", "cluster", "validators", "miners", "subnets", "inference", "consensus", "configs"} <= copied
    assert "COPY --chown=ray . " not in containerfile
    for name in copied - {"./"}:
        assert (ROOT / name).is_dir()
    assert "FROM ${RAY_IMAGE}" in containerfile


def test_without_kubernetes_the_image_alone_is_written() -> None:
    by_provider = {name: manifests(spec(name), "a.toml") for name in ("aws", "gcp", "on_premise")}
    assert {tuple(files) for files in by_provider.values()} == {("Containerfile",)}
    assert (
        "docker build -f Containerfile -t registry.example.org/subnetlab:0.1.0 ." in by_provider["aws"]["Containerfile"]
    )
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


def test_on_kubernetes_the_policy_comes_first_and_goes_last_and_all_that_was_written_goes(tmp_path: Path) -> None:
    cluster = spec("kubernetes")

    def files(commands: list[Command]) -> list[str]:
        return [Path(word).name for command in commands for word in command.words if word.endswith(".yaml")]

    assert files(up_commands(cluster, tmp_path)) == ["networkpolicy.yaml", "raycluster.yaml"]
    assert files(down_commands(cluster, tmp_path)) == [
        *("raycluster.yaml", "rayjob.yaml", "rayservice.yaml", "networkpolicy.yaml")
    ]
    assert {*files(down_commands(cluster, tmp_path)), "Containerfile"} == manifests(cluster, "a.toml").keys()
    asked, pods = status_commands(cluster, tmp_path)
    assert asked.words[3:6] == ("get", "raycluster", "lab")
    (label,) = {
        f"{key}={value}"
        for template in templates(yaml.safe_load(manifests(cluster, "a.toml")["raycluster.yaml"]))
        for key, value in template["metadata"]["labels"].items()
    }
    assert pods.words[3:] == ("get", "pods", "-l", label)


@pytest.mark.parametrize("name", ["aws", "on_premise"])
def test_a_cluster_is_asked_how_it_is_with_its_token_and_by_its_tls(name: str, tmp_path: Path) -> None:
    cluster = spec(name, tls=TLS)
    (command,) = status_commands(cluster, tmp_path)
    line = command.words[-1]
    assert "RAY_AUTH_MODE=token RAY_USE_TLS=1 RAY_TLS_SERVER_CERT=/etc/ray/tls.crt " in line
    assert f" RAY_AUTH_TOKEN_PATH=~/.subnetlab/{cluster.name}/token {cluster.command} status" in line


@pytest.mark.parametrize(
    ("provider", "words"), [("aws", ["up", "--yes", "--no-config-cache"]), ("kubernetes", ["apply"])]
)
def test_clouds_are_left_to_their_own_launchers(provider: str, words: list[str], tmp_path: Path) -> None:
    (command,) = up_commands(spec(provider), tmp_path)
    assert Path(command.words[0]).name == {"aws": "ray", "kubernetes": "kubectl"}[provider]
    assert set(words) <= set(command.words)


def test_of_a_checkout_its_code_and_configs_are_sent_to_a_cluster_and_no_key_or_record(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = [
        "lab/run/session.py",
        "lab/studies/grading/config.py",
        "cluster/launch/templates/start.sh",
        "configs/studies/grading.toml",
    ]
    left = [
        "keys.env",
        ".env",
        "ca.key",
        "node.key",
        "key.pem",
        "auth_token",
        "purses/alice/hotkeys/default",
        "mine.py",
    ]
    left += ["lab/keys.env", "lab/__pycache__/run.pyc", "configs/keys.env", "tests/test_run.py", "benchmarks/pool.py"]
    left += [".subnetlab/wallets/key", "runs/ocr/record.sqlite", ".git/config", ".venv/bin/ray"]
    for name in (*code, *left):
        (tmp_path / "checkout" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "checkout" / name).write_text("x")
    monkeypatch.setattr("cluster.ray.code_upload.CHECKOUT", tmp_path / "checkout")
    monkeypatch.chdir(tmp_path)
    sent = tmp_path / "sent.zip"
    with code_folder() as folder:
        create_package(str(folder), sent, include_gitignore=True)
    assert sorted(name for name in zipfile.ZipFile(sent).namelist() if not name.endswith("/")) == sorted(code)


def test_every_data_file_of_the_packages_that_run_there_is_sent() -> None:
    tables = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["package-data"]
    data = {
        path.relative_to(ROOT)
        for package, patterns in tables.items()
        if package != "lab.scaffold"  # plug-ins are written where the user is
        for pattern in patterns
        for path in ROOT.joinpath(*package.split(".")).glob(pattern)
    }
    with code_folder() as folder:
        assert data and [str(path) for path in data if not (folder / path).is_file()] == []
