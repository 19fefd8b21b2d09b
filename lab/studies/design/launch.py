"""Configs of chosen designs, ready to run: `subnetlab run DESIGN.toml`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from lab.config.run_config import RunConfig
from lab.files import write_atomically
from lab.studies.arm import singly
from subnets import SUBNETS
from validators import VALIDATORS, Validator
from validators.sampling import All, RandomK

from .config import JURY, DesignConfig
from .replay import ScoreTables
from .space import Design

EPOCHS = 8


def write_launch(config: DesignConfig, tables: ScoreTables, design: Design, path: Path, purpose: str) -> Path:
    """Write a design's config; what a run can't do yet is in a comment."""
    registered = tables.registered(design.miners)
    rows = singly(config.model_dump(mode="json")["miners"])
    miners = [row for row, wanted in zip(_in_order(rows, config.miner_names), registered, strict=True) if wanted]
    params = design.params(design.validators)
    table = {
        "seed": config.seed,
        "subnet": SUBNETS.spec(config.subnet),
        "miners": miners,
        "validators": [_validator(config, design, len(miners))],
        "servers": config.model_dump(mode="json")["servers"],
        "chain": {
            "epochs": EPOCHS,
            "rounds_per_epoch": design.rounds_per_epoch,
            "hyperparameters": {
                "kappa": params.kappa,
                "yuma_version": params.version,
                "liquid_alpha": params.liquid_alpha,
            },
        },
        "pool": config.pool.model_dump(mode="json"),
        "prices": config.prices.model_dump(mode="json"),
    }
    config_of_run = RunConfig.parse(table, source=path.name)
    config_of_run.check_scorers(source=path.name)
    comments = [f"# {purpose} Written by `subnetlab study design`.", f"# subnetlab run {path.name}"]
    if design.commit_reveal:
        comments.append("# On the chain, set commit_reveal as well; a run sets its weights openly.")
    return write_atomically(path, "\n".join([*comments, "", *_lines(table)]) + "\n")


def _in_order(rows: list[dict[str, Any]], names: list[str]) -> list[dict[str, Any]]:
    """Return tables of single miners in the order of the names."""
    by_name = {row["name"]: row for row in rows}
    return [by_name[name] for name in names]


def _validator(config: DesignConfig, design: Design, miners: int) -> dict[str, Any]:
    """Return the table of the design's validators, with the options of the config's first one."""
    first = config.build_validators()[0]
    asked = max(1, round(design.share * miners))
    grader = next((each for each in config.graders if each.name == design.grader.name), None)
    scorer = config.jury(design.grader.gold) if design.grader.name == JURY else grader and grader.scorer
    changes = {
        "scorer": scorer,
        "alpha": design.alpha,
        "weight_rule": design.weight_rule,
        "seed": 0,
        "sampler": RandomK(k=asked) if asked < miners else All(),
    }
    validator: Validator = first.model_copy(update=changes)
    options = VALIDATORS.spec(validator)
    del options["seed"]
    return {"name": "validator", "count": design.validators, **options}


def _lines(table: dict[str, Any]) -> list[str]:
    """Write a table as TOML: lists of tables as such, everything else inline."""
    lines = [f"{key} = {_value(value)}" for key, value in table.items() if not _is_tables(value) and value is not None]
    for key, value in table.items():
        if _is_tables(value):
            for each in value:
                lines += ["", f"[[{key}]]", *(f"{k} = {_value(v)}" for k, v in each.items() if v is not None)]
    return lines


def _is_tables(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(each, dict) for each in value)


def _value(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(key)} = {_value(v)}" for key, v in value.items() if v is not None) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_value(each) for each in value if each is not None) + "]"
    return json.dumps(value, ensure_ascii=False)
