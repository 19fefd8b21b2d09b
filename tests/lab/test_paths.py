"""Paths and files as users have them: names that URLs treat specially, and configs from any editor."""

import codecs
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cluster.launch.spec import ClusterSpec
from lab.cli.main import app
from lab.config.run_config import RunConfig
from lab.record.run_folder import open_run
from lab.serve.miner import read_spec
from subnets import SubnetlabError
from subnets.toml_file import read_toml

from .records import make_record


@pytest.mark.parametrize("name", ["a?mode=ro", "# one", "50%41 off", "~", "Läufe 試験", "a+b&c;d", 'it\'s "so"', "a:b"])
def test_a_record_lies_in_its_folder_whatever_the_folder_is_called(tmp_path: Path, name: str) -> None:
    folder = tmp_path / name / "run"
    folder.mkdir(parents=True)
    with make_record(folder) as record:
        entries = len(record)
    assert (folder / "record.sqlite").is_file() and [path.name for path in tmp_path.iterdir()] == [name]
    for read_only in (True, False):
        with open_run(folder, read_only=read_only) as again:
            assert again.verify() == entries > 0


@pytest.mark.parametrize(
    "command", [["run", "x.toml"], ["report", "x"], ["submit", "x.toml"], ["study", "overhead", "x"]]
)
@pytest.mark.parametrize("out", ["", "  "])
def test_an_empty_folder_to_write_into_is_refused(command: list[str], out: str) -> None:
    refused = CliRunner().invoke(app, [*command, "--out", out])
    assert refused.exit_code == 2 and "empty path" in refused.output


def test_the_home_folder_is_meant_where_the_shell_leaves_its_sign(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    shown = CliRunner().invoke(app, ["report", "~/nothing"])
    assert shown.exit_code == 1 and str(tmp_path / "nothing") in str(shown.exception)


def test_a_config_may_begin_with_the_mark_of_utf_8_and_end_its_lines_as_windows_does(tmp_path: Path) -> None:
    path = tmp_path / "c.toml"
    path.write_bytes(codecs.BOM_UTF8 + 'seed = 1\r\nname = "Ångström"\r\n'.encode())
    assert read_toml(path) == {"seed": 1, "name": "Ångström"}


READERS: dict[str, Callable[[Path], object]] = {
    "config": RunConfig.read,
    "cluster": ClusterSpec.read,
    "miner": lambda path: read_spec(str(path)),
}


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_a_config_in_wide_characters_is_named_as_such(tmp_path: Path, encoding: str, reader: str) -> None:
    path = tmp_path / "c.toml"
    path.write_bytes("seed = 1\n".encode(encoding))
    with pytest.raises(SubnetlabError, match=r"c\.toml: it is not saved in UTF-8 but in UTF-16"):
        READERS[reader](path)


@pytest.mark.parametrize("reader", READERS)
def test_a_config_that_is_not_utf_8_or_nested_without_end_is_one_line(tmp_path: Path, reader: str) -> None:
    path = tmp_path / "c.toml"
    path.write_bytes('seed = 1\nname = "Ångström"\n'.encode("latin-1"))
    with pytest.raises(SubnetlabError, match="line 2 is not UTF-8"):
        READERS[reader](path)
    path.write_text("a = " + "[" * 100_000)
    with pytest.raises(SubnetlabError, match="nested too deep"):
        READERS[reader](path)
    path.write_text("a = " + "9" * 5000)
    with pytest.raises(SubnetlabError, match="not TOML: Exceeds the limit"):
        READERS[reader](path)
