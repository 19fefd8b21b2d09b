import tomllib
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from cluster.requirements import Requirements
from lab.cli.main import app
from lab.config.keys import key_groups
from lab.config.pool import LocalTable
from lab.config.run_config import RunConfig
from lab.errors import ConfigError
from lab.run.session import run
from validators import Proportional, TopK

ROOT = Path(__file__).parents[2]
SMALL = """
subnet = "ocr"
[[miners]]
name = "reader"
kind = "tesseract"
[[miners]]
name = "thief"
kind = "copycat"
victim = "reader"
[[validators]]
name = "v"
count = 2
"""


def read(tmp_path: Path, text: str, overrides: dict[str, str] | None = None) -> RunConfig:
    path = tmp_path / "c.toml"
    path.write_text(text)
    return RunConfig.read(path, overrides)


@pytest.mark.parametrize("path", sorted((ROOT / "configs").glob("*.toml")), ids=lambda path: path.name)
def test_a_shipped_config_reads_and_begins_with_the_command_that_runs_it(path: Path) -> None:
    RunConfig.read(path)
    first = path.read_text().splitlines()[0]
    assert first.startswith("# ") and (f"configs/{path.name}" in first)


def test_a_scorer_of_another_subnet_is_refused_in_a_file_and_read_from_a_record(tmp_path: Path) -> None:
    text = SMALL + 'scorer = "own_answer"\n'
    with pytest.raises(ConfigError, match=r"c\.toml: validators\[0\]\.scorer: scorer 'own_answer' .* text_prompting"):
        read(tmp_path, text)
    recorded = RunConfig.parse(tomllib.loads(text))
    with pytest.raises(ConfigError, match=r"leave the scorer out"):
        run(recorded, tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_validator_takes_a_weight_rule_and_is_proportional_without(tmp_path: Path) -> None:
    rule = 'weight_rule = { kind = "top_k", k = 3 }\n'
    assert read(tmp_path, SMALL + rule).build_validators()[1].weight_rule == TopK(k=3)
    assert read(tmp_path, SMALL).build_validators()[1].weight_rule == Proportional()


def test_a_sparse_config_gets_its_defaults_and_comes_back_from_json(tmp_path: Path) -> None:
    config = read(tmp_path, SMALL)
    assert config.miner_names == ["reader", "thief"]
    assert config.validator_names == ["v-0", "v-1"]
    assert config.chain.epochs == 5
    again = RunConfig.parse(config.model_dump(mode="json"))
    assert again.model_dump(mode="json") == config.model_dump(mode="json")
    assert [miner.key for miner in again.build_miners()] == [miner.key for miner in config.build_miners()]


def test_each_neuron_gets_a_seed_of_its_own_and_a_named_victim_is_that_very_miner(tmp_path: Path) -> None:
    config = read(tmp_path, SMALL)
    reader, thief = config.build_miners()
    assert thief.victims()[0].key == reader.key
    seeds = [plugin.seed for plugin in (*config.build_validators(), *config.build_miners())]
    assert len(set(seeds)) == 4
    other = read(tmp_path, SMALL, {"seed": "1"})
    assert other.build_miners()[0].seed != reader.seed


def test_a_victim_may_be_a_table_as_well(tmp_path: Path) -> None:
    config = read(tmp_path, SMALL.replace('"reader"\n[[val', '{kind = "tesseract", scale = 0.5}\n[[val'))
    assert config.build_miners()[1].victims()[0].model_dump()["scale"] == 0.5


def test_every_key_can_be_overridden_by_its_dotted_name(tmp_path: Path) -> None:
    config = read(
        tmp_path,
        SMALL,
        {
            "chain.epochs": "2",
            "subnet": '{kind = "ocr", difficulty = 0.2}',
            "miners.0.scale": "0.5",
            "pool.kind": "local",
        },
    )
    assert config.chain.epochs == 2
    assert config.pool.kind == "local"
    assert config.miners[0].options["scale"] == 0.5


def test_the_requirements_of_a_table_hold_for_each_of_its_miners(tmp_path: Path) -> None:
    asked = {"miners.0.count": "2", "miners.0.labels": '{zone = "!in(a, b)"}', "miners.0.resources": "{nvme = 0.5}"}
    config = read(tmp_path, SMALL.replace('"reader"\n[[val', '{kind = "tesseract"}\n[[val'), asked)
    asked_for = Requirements({"zone": "!in(a, b)"}, {"nvme": 0.5})
    assert config.requirements() == {2: asked_for, 3: asked_for, 4: Requirements()}


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"chain.epoch": "3"}, r"^--chain\.epoch: unknown key; known: compound, epochs, "),
    ({"chain.epochs": "0"}, r"^--chain\.epochs: give an integer of at least 1 \(got 0\)$"),
    ({"chain.epochs": "many"}, r"^--chain\.epochs: give an integer of at least 1 \(got 'many'\)$"),
    ({"miners.0.engine": "tesserac"}, r"^--miners\.0\.engine: unknown engine 'tesserac'; known: .*tesseract"),
    ({"miners.0.scael": "2"}, r"^--miners\.0\.scael: unknown key; known: .*scale"),
    ({"miners.0.kind": "tesserac"}, r"^--miners\.0\.kind: unknown miner 'tesserac'; known: "),
    ({"miners.1.name": "reader"}, r"miners: the name 'reader' is used twice"),
    ({"validators.0.stake": "-1"}, r"^--validators\.0\.stake: give a number above 0 and at most 21000000 \(got -1\)$"),
    (
        {"subnet": '{kind = "ocr", difficulty = 2}'},
        r"^--subnet: subnet\.difficulty: give a number from 0 to 1 or a list of 2 ",
    ),
    ({"subnet": "ocrr"}, r"subnet: unknown subnet 'ocrr'; known: ocr"),
    ({"bare.miner": "nobody"}, r"bare\.miner: no miner is called 'nobody'; known: reader, thief"),
    ({"chain.hyperparameters.kapa": "3"}, r"chain\.hyperparameters: unknown hyperparameter 'kapa'; known: "),
    ({"chain.hyperparameters.kappa": "70000"}, r"chain\.hyperparameters\.kappa: 70000; allowed: 0 to 65535"),
    ({"chain.hyperparameters.max_allowed_uids": "3"}, r"max_allowed_uids: 3; the config has 4 neurons"),
    (
        {"chain.hyperparameters": "{commit_reveal = true, commit_reveal_period = 11}"},
        r"commit_reveal_period: 11; a validator that commits in every epoch has at most 10",
    ),
    ({"miners.0.options": "{a = 1}"}, r"^--miners\.0\.options: unknown key; known: .*scale"),
    ({"record": '"postgresql://me:hunter2@db/runs"'}, r"record: the URL holds a password; .* PGPASSWORD"),
    ({"record": '"postgresql://me:hun/ter?2@db/runs"'}, r"record: the URL holds a password"),
    ({"record": '"postgresql://me@db/runs?password=hunter2"'}, r"record: the URL holds a password"),
    ({"record": '"postgresql://me@db/runs?sslpassword=hunter2"'}, r"record: the URL holds a password"),
    ({"record": '"postgresql://me@db/runs?conninfo=password%3Dhunter2"'}, r"record: the URL holds a password"),
    ({"record": '"postgresql://me@db:port/runs"'}, r"record: not a database URL; write one as in postgresql"),
    ({"miners.0.labels": '{zone = "a b"}'}, r"miners\[0\]\.labels\.zone: give a label \(letters, .*\(got 'a b'\)"),
    ({"miners.0.resources": "{nvme = 0}"}, r"miners\[0\]\.resources\.nvme: give a number above 0"),
    ({"miners.0.resources": "{GPU = 1}"}, r"^--miners\.0\.resources: GPU is not a custom resource; an engine's own"),
    (
        {"miners.0.labels": '{zone = "a"}', "pool.kind": "local"},
        r"^--miners\.0\.labels: only the machines of a Ray cluster have these, and pool\.kind is 'local'",
    ),
    (
        {"miners.0.labels": '{"ray.io/accelerator-type" = "L4"}', "pool.gpu_gb": "24"},
        r"^--miners\.0\.labels: ray\.io/accelerator-type and pool\.gpu_gb both choose among GPUs",
    ),
    ({"miners": '{kind = "tesseract"}'}, r"miners: give several tables, write \[\[miners\]\] \(got"),
    ({"miners": "7"}, r"miners: give a list of one or more tables \(got 7\)"),
    ({"chain": "[{epochs = 3}]"}, r"chain: give one table, write \[chain\] \(got 1 of them\)"),
    ({"pool.placement": "tight"}, r"pool\.placement: give 'pack' or 'spread'"),
    ({"pool.kind": "here"}, r"pool\.kind: give 'ray' or 'local' \(got 'here'\)"),
    ({"pool.hosts": "0"}, r"pool\.hosts: give an integer of at least 1 \(got 0\)"),
    ({"pool.host": "2"}, r"pool\.host: unknown key; known: address, .*placement"),
    ({"pool.host": "2", "pool.kind": "local"}, r"pool\.host: unknown key; known: hosts, isolate, kind, "),
    ({"pool": "[{}]"}, r"pool: give one table, write \[pool\] \(got 1 of them\)"),
    (
        {"pool.address": "auto", "pool.kind": "local"},
        r"pool\.address: 'auto' is the address of a Ray cluster, but kind is 'local'; leave it out, or set kind",
    ),
    ({"pool.placement": "tight", "pool.kind": "local"}, r"pool\.placement: give 'pack' or 'spread'"),
    ({"miners.7.scale": "1"}, r"^--miners\.7\.scale: there is no such key"),
]


@pytest.mark.parametrize(("overrides", "message"), WRONG)
def test_a_wrong_key_is_one_line_with_key_value_and_what_is_allowed(
    tmp_path: Path, overrides: dict[str, str], message: str
) -> None:
    with pytest.raises(ConfigError, match=message) as caught:
        read(tmp_path, SMALL, overrides)
    assert "\n" not in str(caught.value) and "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("seed = ", "c.toml: not TOML: Invalid value"),
        ("", "c.toml: .*missing; add it"),
        ("subnet = 'ocr'\nminers = []\nvalidators = [{}]", "miners: give a list of one or more tables"),
        ("subnet = 'ocr'\nminers = [{}]\nvalidators = [{}]", r"miners\[0\]\.kind: missing; known: "),
    ],
)
def test_a_file_that_is_not_a_config_is_named(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        read(tmp_path, text)
    with pytest.raises(ConfigError, match="no such file"):
        RunConfig.read(tmp_path / "nowhere.toml")


def test_a_config_for_a_cluster_can_be_tried_on_this_machine(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    config = read(tmp_path, SMALL + "[pool]\ngpu_gb = 40\nplacement = 'pack'\n", {"pool.kind": "local"})
    assert config.pool == LocalTable()
    assert [record.message for record in caplog.records] == [
        "pool.gpu_gb is ignored: only a Ray cluster has it, and pool.kind is 'local'"
    ]


def help_lines(model: type[RunConfig]) -> dict[str, str]:
    return {key.name: f"{key.type} {key.text}" for group in key_groups(model) for key in group.keys}


def test_the_help_lists_every_key_with_type_meaning_range_and_default() -> None:
    keys = help_lines(RunConfig)
    assert keys["chain.epochs"].startswith("INTEGER ") and keys["chain.epochs"].endswith(" [>=1; default: 5]")
    assert keys["pool.placement"].startswith("pack|spread ") and 'Only with kind = "ray"' in keys["pool.placement"]
    assert keys["pool.kind"].startswith("ray|local ") and keys["pool.kind"].endswith("[default: ray]")
    assert "Only with" not in keys["pool.hosts"]
    assert "tesseract" in keys["miners.0.kind"] and "[required]" in keys["miners.0.kind"]
    assert "default: honest" in keys["validators.0.kind"]
    assert keys["seed"].endswith("[>=0, <2^128; default: 0]")
    assert not {"miners.0.options", "validators.0.options", "miners", "chain"} & keys.keys()


def test_every_command_that_takes_a_config_shows_its_keys() -> None:
    for command, key in (("run", "--chain.epochs"), ("study grading", "--graders.0.repeats")):
        shown = CliRunner().invoke(app, [*command.split(), "--help"])
        assert shown.exit_code == 0 and key in shown.stdout and "--pool.rounds_in_flight" in shown.stdout
