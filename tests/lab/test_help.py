"""The help of every command, at 80 columns: whole sentences, one form, and examples that can be typed."""

import re
import shlex
from collections.abc import Iterator
from typing import Any

import pytest
import typer
from typer.main import get_command
from typer.testing import CliRunner

from lab.cli import COMMANDS
from lab.cli.main import app

SHORT = 58
"""Characters that a list of commands leaves for each at 80 columns."""
METAVAR = re.compile(r"[A-Z][A-Z0-9]*([|=:,][A-Z.]+)*")
"""One style for what stands for a value: CONFIG, KEY=VALUE, COUNT:KEY=VALUE,..."""


def commands() -> Iterator[tuple[str, Any]]:
    """Yield every command and group by its full name; the root is ""."""
    root: Any = get_command(app)
    left: list[tuple[str, Any]] = [("", root)]
    while left:
        name, command = left.pop()
        yield name, command
        if names := getattr(command, "commands", None):
            context = typer.Context(command)
            left += [(f"{name} {child}".strip(), command.get_command(context, child)) for child in names]


EVERY = dict(commands())
SHOWN = [name for name, command in EVERY.items() if not command.hidden]


def shown(name: str, option: str = "--help") -> str:
    result = CliRunner().invoke(app, [*name.split(), option], env={"COLUMNS": "80"})
    assert result.exit_code == 0, result.output
    return str(result.stdout)


@pytest.mark.parametrize("name", SHOWN)
def test_the_help_fits_80_columns_and_cuts_nothing(name: str) -> None:
    lines = shown(name).splitlines()
    assert max(map(len, lines)) <= 80
    assert not [line for line in lines if line.endswith(("...", "…")) and not line.startswith("Usage:")]
    assert all(line.endswith((":", ".", "]")) or line.startswith((" ", "Usage:")) or not line for line in lines[:4])


@pytest.mark.parametrize("name", SHOWN)
def test_the_short_form_of_the_option_shows_the_same(name: str) -> None:
    assert shown(name, "-h") == shown(name)


@pytest.mark.parametrize("name", sorted(set(SHOWN) - {""}))
def test_a_list_of_commands_describes_each_in_one_whole_sentence(name: str) -> None:
    if name.startswith("study "):  # listed with its whole question, on as many lines as that takes
        return
    short = EVERY[name].get_short_help_str(SHORT)
    assert len(short) <= SHORT and short.endswith(".") and not short.endswith("..."), short
    assert short[0].isupper()


@pytest.mark.parametrize("name", SHOWN)
def test_what_stands_for_a_value_is_in_capitals_and_a_range_is_named_once(name: str) -> None:
    for param in EVERY[name].params:
        if param.param_type_name == "argument":
            assert param.metavar, f"{param.name}: it would appear in messages by the name of the variable"
        if param.metavar:
            assert METAVAR.fullmatch(param.metavar.rstrip(".").rstrip(",")), param.metavar
    assert not re.search(r"<\w+( range)?>|<=x|x[<>]=", shown(name))


@pytest.mark.parametrize("name", SHOWN)
def test_every_example_is_a_line_that_the_command_line_understands(name: str) -> None:
    lines = [line.strip() for line in shown(name).partition("\nExample")[2].splitlines()[1:]]
    examples = [line for line in lines if line.startswith("subnetlab ")]
    assert examples or hasattr(EVERY[name], "commands")
    for example in examples:
        words = shlex.split(example)[1:]
        assert example.startswith(f"subnetlab {name}")
        EVERY[name].make_context(name, words[len(name.split()) :])


def test_only_the_root_offers_completion() -> None:
    offering = [name for name in SHOWN if "--install-completion" in shown(name)]
    assert offering == [""]


def test_the_root_shows_its_version() -> None:
    assert re.fullmatch(r"subnetlab \d+\.\d+\.\d+\n", shown("", "--version"))


def test_the_help_of_a_run_names_the_command_that_lists_the_options_of_a_plug_in() -> None:
    text = " ".join(shown("run").split())
    assert "`subnetlab list miners tesseract` shows the options of that miner" in text


def test_every_command_of_the_table_is_looked_at() -> None:
    assert {name.partition(" ")[0] for name in EVERY} == {"", *COMMANDS}
