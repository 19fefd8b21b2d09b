"""Arguments and options that several commands take."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar, get_type_hints

import typer

from lab.cli.import_path import allow_current_folder

from .command import Command
from .config_command import config_command

if TYPE_CHECKING:
    from lab.config.run_config import RunConfig
    from lab.record.run_folder import RunMode

T = TypeVar("T")


def _path(text: str | Path) -> Path:
    if not str(text).strip():  # a default is a Path already
        raise typer.BadParameter("an empty path names nothing")
    return Path(text).expanduser()


AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document and nothing else.")]
Wide = Annotated[bool, typer.Option("--wide", help="Print every section, row and column, however long the lines.")]
ConfigArgument = Annotated[
    Path, typer.Argument(help="A TOML file; every key is also a flag: --chain.epochs 3.", metavar="CONFIG")
]
RunArgument = Annotated[Path, typer.Argument(help="The folder of a run.", metavar="RUN", parser=_path)]
Trust = Annotated[
    bool,
    typer.Option(
        "--trust",
        help="Trust the record: import its plug-ins, even from the current folder, and connect to its database.",
    ),
]
Resume = Annotated[bool, typer.Option("--resume", help="Continue what was stopped.")]
Clean = Annotated[bool, typer.Option("--clean", help="Discard what the folder holds and start over.")]
Address = Annotated[
    str | None,
    typer.Option(help='Join a running Ray cluster: host:port, or "auto" for the local one. Same as --pool.address.'),
]
Sets = Annotated[list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Change a key of the config.")]

ChainPath = Annotated[
    str, typer.Option("--chain", envvar="SUBNETLAB_CHAIN", help="The chain's file, or an SQLAlchemy URL.")
]
Wallets = Annotated[Path, typer.Option("--wallets", envvar="SUBNETLAB_WALLETS", help="The folder of wallets.")]
WalletName = Annotated[str, typer.Argument(help="Name of the wallet.", metavar="WALLET")]
Netuid = Annotated[int, typer.Option("--netuid", help="Number of the subnet.")]
Hotkey = Annotated[str, typer.Option("--hotkey", help="Name of the wallet's hotkey.")]
NetuidArgument = Annotated[int, typer.Argument(help="Number of the subnet.", metavar="NETUID")]
Amount = Annotated[str, typer.Argument(help="Amount in τ, such as 12.5.", metavar="AMOUNT")]
Row = Annotated[list[str], typer.Argument(help="Weights on any scale.", metavar="UID=WEIGHT")]
Version = Annotated[int, typer.Option("--version", help="Version of the weights, if the subnet requires one.")]


class Amounts(Command):
    """A command that takes numbers, and refuses a negative one as such instead of as an unknown option."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Refuse a negative number; parse everything else as usual."""
        for argument in args:
            if re.match(r"-[.\d]", argument):
                raise typer.BadParameter(f"{argument!r} is below zero; amounts, uids and weights start there")
        return super().parse_args(ctx, args)


def _run_config() -> type[RunConfig]:
    from lab.config.run_config import RunConfig

    return RunConfig


RunCommand = config_command(_run_config)
"""A command that takes every key of a run's config as a flag."""


def takes(model: Callable[..., T]) -> Callable[[Callable[[T], None]], Callable[..., None]]:
    """Make a command of a function that takes one dataclass: each field is an argument or an option."""

    def decorate(function: Callable[[T], None]) -> Callable[..., None]:
        @wraps(function)
        def command(**values: Any) -> None:
            function(model(**values))

        types = get_type_hints(model, include_extras=True)
        parameters = inspect.signature(model).parameters.values()
        own = [parameter.replace(annotation=types[parameter.name]) for parameter in parameters]
        vars(command).update(__signature__=inspect.Signature(own), __annotations__=types)
        return command

    return decorate


@contextmanager
def reading(trust: bool) -> Iterator[None]:
    """Read records as data, or with the code and the databases that they name where the user trusts them."""
    from lab.record.trust import data_only

    if trust:
        allow_current_folder()
        yield
    else:
        with data_only():
            yield


def out_option(help: str) -> Any:
    """Make an option --out that takes a path, `~` included, and refuses an empty one."""
    return typer.Option(help=help, metavar="PATH", parser=_path)


def run_mode(resume: bool, clean: bool) -> RunMode:
    """Return how to use the folder of a run or a study."""
    if resume and clean:
        raise typer.BadParameter("--resume and --clean exclude each other")
    return "resume" if resume else "clean" if clean else "new"
