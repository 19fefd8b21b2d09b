"""`subnetlab submit`: hand a run to a cluster as a job, watch it, and fetch its record."""

from __future__ import annotations

import asyncio
import json
import os
import re
import secrets
import shlex
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, cast, get_args

import typer
from pydantic import BaseModel, ValidationError

from lab.config.flags import overrides
from lab.errors import ConfigError, RecordError, RefusedRecord
from subnets.text import printable

if TYPE_CHECKING:
    from cluster.ray.jobs import Jobs
    from lab.config.run_config import RunConfig
    from lab.run.job import Ended

DASHBOARD = "http://127.0.0.1:8265"
AT_HELP = "The dashboard of the cluster; a port that is forwarded to it will do."
PYTHON_HELP = "How Python is called on the head, where this project's dependencies are installed."
EPILOG = (
    "Examples:  subnetlab submit configs/ocr.toml --chain.epochs 3  |  subnetlab submit --attach ocr-3f9a1c02. "
    "Sent are this project's code and configs, CONFIG, and the Python files of plug-ins; no other file. Keys of APIs "
    "belong in the environment in which Ray was started on the cluster's machines."
)
Next = Literal["leave", "stop", "watch"]


def mount(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True}, epilog=EPILOG)(submit)


def submit(
    context: typer.Context,
    config: Annotated[Path | None, typer.Argument(help="A TOML file; every key is also a flag.")] = None,
    address: Annotated[str, typer.Option(help=AT_HELP)] = DASHBOARD,
    out: Annotated[Path | None, typer.Option(help="Folder for the record; by default the next free runs/NAME.")] = None,
    attach: Annotated[str | None, typer.Option(metavar="JOB", help="Go back to a run that was submitted.")] = None,
    python: Annotated[str, typer.Option(help=PYTHON_HELP)] = "python",
    sets: Annotated[list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Change a key.")] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON document; what the run says, on stderr.")
    ] = False,
) -> None:
    """Run a subnet on a cluster as a job: its log is shown here and its record fetched at the end."""
    from cluster.ray.jobs import LEFT, Jobs
    from lab.record.archive import require_free
    from lab.record.run_folder import next_folder

    if (config is None) == (attach is None):
        raise typer.BadParameter("give the config of a run, or --attach with the id of one that was submitted")
    keys = overrides(sets or [], context.args)
    if config is None and keys:
        raise typer.BadParameter(f"{min(keys)}: a run that was submitted has its config")
    if config is not None:
        _check(config, keys)
    jobs = Jobs(address)
    if config is not None:
        name, job = config.stem, f"{_slug(config.stem)}-{secrets.token_hex(4)}"
        require_free(out or next_folder(name, "new"))
        with staged(config) as checkout:
            words = [python, "-m", "lab.run.job", f"{STAGED}/{config.name}"]
            words += [word for key, value in keys.items() for word in ("--set", f"{key}={value}")]
            jobs.submit(job, checkout, shlex.join(words), {LEFT: config.stem})
    else:
        assert attach is not None
        job = attach
        name = _slug((jobs.details(job).metadata or {}).get(LEFT, job))
        require_free(out or next_folder(name, "new"))
    typer.echo(f"job {job} at {jobs.address}", err=as_json)
    watch(jobs, job, quiet=as_json)
    raise typer.Exit(_fetched(jobs, job, out or next_folder(name, "new"), as_json))  # another may have taken the first


KEPT = "\n\t"
"""Of what a cluster says and a terminal does not print: all else could command the terminal."""
STAGED = "submitted"
"""The folder of the config in what is sent."""


@contextmanager
def staged(config: Path) -> Iterator[Path]:
    """Lay out what is sent: what any cluster is sent, and the config."""
    from cluster.ray.code_upload import shipment

    with shipment() as folder:
        (folder / STAGED).mkdir()
        (folder / STAGED / config.name).write_bytes(config.read_bytes())
        yield folder


def watch(jobs: Jobs, job: str, *, quiet: bool = False) -> None:
    """Show what a job says until it ends; Ctrl-C asks what is to become of it."""
    shown = 0

    async def show() -> None:
        nonlocal shown
        async for text in jobs.follow(job, shown):
            shown += len(text)
            typer.echo(printable(text, None, kept=KEPT), nl=False, err=quiet)

    while True:
        try:
            return asyncio.run(show())
        except KeyboardInterrupt:
            following = _ask_what_next(job)
        if following == "leave":
            typer.echo(
                f"job {job} goes on; go back to it, and fetch its record, with: "
                f"subnetlab submit --attach {job} --address {jobs.address}",
                err=True,
            )
            raise typer.Exit(130)
        if following == "stop":
            typer.echo("it ends; what it has recorded is fetched", err=True)
            jobs.stop(job)


def _ask_what_next(job: str) -> Next:
    """Ask on a terminal what is to become of a job; without one it is left running."""
    if not sys.stdin.isatty():
        return "leave"
    question = f"\njob {job} runs on the cluster: leave it running, stop it, or watch on?"
    try:
        while True:
            said = typer.prompt(question, default="leave", err=True).strip().lower()
            for answer in get_args(Next):
                if said and answer.startswith(said):
                    return cast(Next, answer)
            question = "leave, stop or watch?"
    except typer.Abort:  # Ctrl-C once more
        return "leave"


def _check(config: Path, keys: dict[str, str]) -> None:
    """Read the config as the run will, so that a mistake costs no job."""
    from lab.config.pool import RayTable
    from lab.config.run_config import RunConfig

    settings = RunConfig.read(config, keys | {"pool.address": json.dumps("auto")})
    if not isinstance(settings.pool, RayTable) or settings.pool.address != "auto":
        raise ConfigError(f"{config}: pool.address is the cluster's own in a job; leave it out")
    with staged(config) as sent:
        for key, said in _files(_built(settings)):
            is_sent = (sent / said).exists() and ".." not in Path(said).parts
            if not os.path.isabs(said) and os.path.exists(said) and not is_sent:
                raise ConfigError(
                    f"{config}: {key}: {said} is not sent to the cluster; put it on the machines and give its path "
                    "from the root"
                )


def _built(settings: RunConfig) -> dict[str, object]:
    """Return a config's tables by name, with what tables of plug-ins build in their place: its fields have types."""
    tables: dict[str, object] = {name: getattr(settings, name) for name in type(settings).model_fields}
    for sort, own, built in (
        ("miners", settings.miners, settings.build_miners()),
        ("validators", settings.validators, settings.build_validators()),
    ):
        tables[sort] = [built[sum(table.count for table in own[:place])] for place in range(len(own))]
    return tables


def _files(value: object, key: str = "") -> Iterator[tuple[str, str]]:
    """Yield all that may name a file or folder, each with its key: paths, and texts that look like one."""
    if isinstance(value, BaseModel):
        value = {name: getattr(value, name) for name in type(value).model_fields}
    if isinstance(value, Mapping):
        for name, inner in value.items():
            yield from _files(inner, f"{key}.{name}" if key else name)
    elif isinstance(value, list | tuple):
        for place, inner in enumerate(value):
            yield from _files(inner, f"{key}[{place}]")
    elif isinstance(value, Path) or (isinstance(value, str) and ("/" in value or Path(value).suffix[1:].isalpha())):
        yield key, str(value)  # a bare word is none: a file here may be called as a model is


def _slug(name: str) -> str:
    """Make a name fit for ids and folders."""
    return re.sub("[^A-Za-z0-9_-]", "-", name)


def _fetched(jobs: Jobs, job: str, folder: Path, as_json: bool) -> int:
    """Fetch what a job that has ended left; return its exit code.

    Raises:
        PoolError: the cluster can't be reached now.
        RecordError: the record is refused or can't be written.
        Where it may come when it is fetched again, both say how.
    """
    from cluster import PoolError
    from cluster.ray.jobs import TooLarge
    from lab.record.archive import require_size, unpack
    from lab.run.job import ARCHIVE

    back = (
        f"the record is still on the head, fetch it with: subnetlab submit --attach {job} --address {jobs.address} "
        "--out FOLDER"
    )
    try:
        details, ended = jobs.details(job), _ended(jobs, job)
        if ended is not None and ended.packed is not None:
            require_size(ended.packed.size)
            with tempfile.NamedTemporaryFile(prefix="subnetlab-", suffix=".zip") as archive:
                jobs.fetch(job, ARCHIVE, archive, ended.packed.size)  # type: ignore[arg-type]
                archive.flush()
                unpack(Path(archive.name), ended.packed, folder)
    except (TooLarge, RefusedRecord):  # it would be refused again
        raise
    except (PoolError, RecordError) as error:
        raise type(error)(f"{error}; {back}") from error
    except OSError as error:
        places = f"{tempfile.gettempdir()} and then to {folder}"
        raise RecordError(f"the record can't be written to {places}: {error.strerror or error}; {back}") from error
    code = ended.exit_code if ended is not None else details.driver_exit_code or 1
    fetched = folder if ended is not None and ended.packed is not None else None
    _tell_end(job, details, code, fetched, as_json)
    return code


def _ended(jobs: Jobs, job: str) -> Ended | None:
    """Fetch how a job ended; None where it left no word of it."""
    from lab.run.job import ENDED, ENDED_BYTES, Ended

    said = BytesIO()
    if not jobs.fetch(job, ENDED, said, ENDED_BYTES):
        return None
    try:
        return Ended.model_validate_json(said.getvalue())
    except ValidationError:
        raise RefusedRecord(f"job {job} left a {ENDED} that is none: look at it on the head") from None


def _tell_end(job: str, details: Any, code: int, fetched: Path | None, as_json: bool) -> None:
    state = str(details.status.value).lower()
    if as_json:
        record = None if fetched is None else str(fetched)
        typer.echo(json.dumps({"job": job, "state": state, "exit_code": code, "record": record}, indent=2))
    elif fetched is not None:
        typer.echo(f"record: {fetched} (exit code {code}); look at it with: subnetlab report {fetched}")
    else:
        said = printable(details.message, None, kept=KEPT)
        typer.echo(f"job {job} has {state} and left no record (exit code {code}): {said}", err=True)
