"""`subnetlab list`: what a config can name, and what it can set of each plug-in."""

import json
import re
from collections.abc import Iterator
from typing import Any, get_args

import pytest
from pydantic import BaseModel, ValidationError, create_model
from typer.testing import CliRunner, Result

from cluster.launch.spec import ClusterSpec
from lab.cli.main import app
from lab.cli.plugins.catalogue import PLACES, registries
from lab.config.keys import key_groups, option_keys
from lab.config.run_config import RunConfig
from lab.studies.grading.config import GradingConfig
from lab.studies.miners.config import MinersConfig
from lab.studies.overhead.config import OverheadConfig
from subnets.explanation import explain

KINDS = [(sort, kind) for sort, plugins in registries().items() for kind in plugins.sources()]
CONFIGS = (RunConfig, GradingConfig, MinersConfig, OverheadConfig)
WRONG: tuple[Any, ...] = (
    "three words",
    "",
    -1,
    10**40,
    2.5,
    float("nan"),
    True,
    None,
    [],
    [{}],
    ["a b"],
    {},
    {"a b": -1},
)
"""Values of every sort; each field refuses some of them."""
LIBRARY = r"[Ii]nput should|should (be|have|match)|\bvalid |unable to|that matches|instance of|give a value"
"""How pydantic words its messages, and ours where a field lacks words."""


def shown(*arguments: str, width: int = 80) -> Result:
    return CliRunner().invoke(app, ["list", *arguments], env={"COLUMNS": str(width)})


@pytest.mark.parametrize("width", [60, 80, 200])
def test_no_line_is_longer_than_the_terminal_is_wide(width: int) -> None:
    for arguments in ((), ("miners",), ("miners", "tesseract"), ("subnets", "text_prompting")):
        lines = shown(*arguments, width=width).stdout.splitlines()
        assert lines and max(map(len, lines)) <= width, arguments


def test_a_plug_in_shows_its_options_with_type_meaning_limits_and_default() -> None:
    text = " ".join(shown("miners", "tesseract").stdout.split())
    assert text.startswith("tesseract: Reads the page with the tesseract binary. Options, in [[miners]]:")
    assert "scale NUMBER Factor by which the page is resized" in text and "[>0, <=4; default: 1.0]" in text
    assert "engine KIND|TABLE Engine that reads the page. [see: subnetlab list engines; default: tesseract]" in text


def test_the_options_of_a_validator_include_those_that_every_validator_has() -> None:
    keys = {key.name: key for key in option_keys(registries()["validators"].find("favourite"))}
    assert list(keys)[:2] == ["uids", "share"], "its own come first"
    assert {"scorer", "sampler", "weight_rule", "alpha", "timeout_s"} <= keys.keys()
    assert keys["uids"].required and keys["weight_rule"].default == "proportional"


def test_a_table_in_a_plug_in_and_a_list_of_plug_ins_are_shown_with_what_they_hold() -> None:
    remote = [key.name for key in option_keys(registries()["miners"].find("remote"))]
    assert "dendrite.url" in remote and "dendrite" not in remote
    (choices,) = [key for key in option_keys(registries()["miners"].find("router")) if key.name == "choices"]
    assert choices.limits == "see: subnetlab list engines" and choices.default == '["transformers", "openai"]'


@pytest.mark.parametrize(("sort", "kind"), KINDS)
def test_every_option_is_described_and_every_plug_in_can_be_shown(sort: str, kind: str) -> None:
    entry = json.loads(shown(sort, kind, "--json").stdout)
    assert entry["kind"] == kind and entry["description"] and sort in PLACES
    for option in entry["options"]:
        assert option["meaning"].rstrip().endswith((".", ".)")), option
        assert not re.search(r"\bNone\b", option["meaning"]), "TOML has none; say what omitting it does"
        assert option["type"] not in ("VALUE", "NONE"), option


def test_every_key_of_a_config_and_every_table_is_described() -> None:
    for config in CONFIGS:
        for group in key_groups(config):
            title = group.title.partition("] ")[2] or group.title
            assert title[:1].isupper(), group.title
            for key in group.keys:
                assert key.meaning.endswith("."), key
                assert not re.search(r"\bNone\b", key.meaning), key


def test_a_sort_lists_its_plug_ins_and_says_how_to_see_the_options_of_one() -> None:
    lines = shown("samplers").stdout.splitlines()
    assert lines[0] == "samplers:" and lines[-1] == "Options of one: subnetlab list samplers all"
    assert list(json.loads(shown("samplers", "--json").stdout)) == ["samplers"]


def test_what_is_unknown_is_one_line_with_what_is_known() -> None:
    unknown = shown("minrs")
    assert unknown.exit_code == 2 and "unknown sort 'minrs'; known: subnets, miners," in str(unknown.output)
    assert "did you mean miners?" in unknown.output
    assert "unknown miner 'tesserac'; known: cascade, copycat, " in str(shown("miners", "tesserac").exception)


def test_a_plug_in_of_ones_own_is_shown_by_its_class() -> None:
    assert "right NUMBER" in shown("miners", "tests.lab.records:Sayer").stdout


def models() -> Iterator[type[BaseModel]]:
    """Yield every model of which a config or a description of a cluster can consist."""
    left: list[Any] = [*CONFIGS, ClusterSpec, *(registries()[sort].find(kind) for sort, kind in KINDS)]
    known: set[Any] = set()
    while left:
        part = left.pop()
        if isinstance(part, type) and issubclass(part, BaseModel) and part not in known:
            known.add(part)
            left += [field.annotation for field in part.model_fields.values()]
            yield part
        left += get_args(part)


def test_no_key_of_any_config_is_explained_in_the_words_of_the_library() -> None:
    refused = 0
    for model in models():
        for name, field in model.model_fields.items():
            one = create_model("One", **{name: (field.annotation, field)})  # type: ignore[call-overload]
            for value in WRONG:
                try:
                    one.model_validate({name: value})
                except ValidationError as error:
                    refused += 1
                    line = explain(error, one)
                    assert line.startswith(f".{name}") and "\n" not in line
                    assert not re.search(LIBRARY, line), (model.__name__, line)
    assert refused > 2000
