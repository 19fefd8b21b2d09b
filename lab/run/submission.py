"""Submission: a run goes to a cluster as a job, and its record comes back.

require_sendable(config, keys)
with staged(config) as folder:
    jobs.submit(job, folder, entrypoint(config, keys), metadata)
fetch(jobs, job, Path("runs/ocr"))  # once the job has ended
"""

from __future__ import annotations

import json
import os
import re
import secrets
import shlex
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import BaseModel, ValidationError

from cluster import PoolError
from lab.config.pool import RayTable
from lab.config.run_config import RunConfig
from lab.errors import ConfigError, RecordError, RefusedRecord
from lab.record.archive import require_size, unpack

from .job import ARCHIVE, ENDED, ENDED_BYTES, Ended

if TYPE_CHECKING:
    from cluster.ray.jobs import Jobs

STAGED = "submitted"
"""Folder of the config within the files that are sent."""


@contextmanager
def staged(config: Path) -> Iterator[Path]:
    """Lay out the files to send: the project's code and plug-ins, and the config."""
    from cluster.ray.code_upload import code_folder

    with code_folder() as folder:
        (folder / STAGED).mkdir()
        (folder / STAGED / config.name).write_bytes(config.read_bytes())
        yield folder


def new_job_id(config: Path) -> str:
    """Return an id that no other job has, beginning with the config's name."""
    return f"{slug(config.stem)}-{secrets.token_hex(4)}"


def slug(name: str) -> str:
    """Make a name fit for ids and folders."""
    return re.sub("[^A-Za-z0-9_-]", "-", name)


def entrypoint(config: Path, keys: Mapping[str, str], python: str = "python") -> str:
    """Return the command line that the job runs on the head."""
    words = [python, "-m", "lab.run.job", f"{STAGED}/{config.name}"]
    words += [word for key, value in keys.items() for word in ("--set", f"{key}={value}")]
    return shlex.join(words)


def require_sendable(config: Path, keys: Mapping[str, str]) -> None:
    """Check a config before it is sent, so that a mistake costs no job.

    Raises:
        ConfigError: a key is wrong, or the config names a cluster of its own or a file that is not sent.
    """
    settings = RunConfig.read(config, {**keys, "pool.address": json.dumps("auto")})
    if not isinstance(settings.pool, RayTable) or settings.pool.address != "auto":
        raise ConfigError(f"{config}: pool.address is set by the job; leave it out")
    with staged(config) as folder:
        for key, name in _files(_plugins(settings)):
            is_sent = (folder / name).exists() and ".." not in Path(name).parts
            if not os.path.isabs(name) and os.path.exists(name) and not is_sent:
                raise ConfigError(
                    f"{config}: {key}: {name} is not sent to the cluster; copy it to the machines and give its "
                    "absolute path"
                )


def _plugins(settings: RunConfig) -> dict[str, object]:
    """Return a config's tables by name, with plug-ins built, because their fields have types."""
    tables: dict[str, object] = {name: getattr(settings, name) for name in type(settings).model_fields}
    for sort, rows, plugins in (
        ("miners", settings.miners, settings.build_miners()),
        ("validators", settings.validators, settings.build_validators()),
    ):
        tables[sort] = [plugins[sum(row.count for row in rows[:index])] for index in range(len(rows))]
    return tables


def _files(value: object, key: str = "") -> Iterator[tuple[str, str]]:
    """Yield everything that may name a file or folder, with its key: paths, and texts that look like one."""
    if isinstance(value, BaseModel):
        value = {name: getattr(value, name) for name in type(value).model_fields}
    if isinstance(value, Mapping):
        for name, inner in value.items():
            yield from _files(inner, f"{key}.{name}" if key else name)
    elif isinstance(value, list | tuple):
        for index, inner in enumerate(value):
            yield from _files(inner, f"{key}[{index}]")
    elif isinstance(value, Path) or (isinstance(value, str) and ("/" in value or Path(value).suffix[1:].isalpha())):
        yield key, str(value)  # a bare word doesn't count: it may be the name of a model


@dataclass(frozen=True, slots=True)
class FetchedRun:
    """How a job ended, and where its record is now."""

    state: str
    """Ray's word for it, such as "succeeded"."""
    exit_code: int
    folder: Path | None
    """None if the job left no record."""
    message: str
    """Ray's explanation, from the cluster: not safe to print as it is."""


def fetch(jobs: Jobs, job: str, folder: Path) -> FetchedRun:
    """Fetch the record of a job that has ended.

    Raises:
        PoolError: the cluster can't be reached now.
        RecordError: the record is refused or can't be written.
        If fetching again may help, the message of either says how.
    """
    from cluster.ray.jobs import TooLarge

    hint = (
        "the record is still on the head; fetch it with: "
        f"subnetlab submit --attach {job} --address {jobs.address} --out FOLDER"
    )
    try:
        details, ended = jobs.details(job), _ended(jobs, job)
        packed = None if ended is None else ended.packed
        if packed is not None:
            require_size(packed.size)
            with tempfile.NamedTemporaryFile(prefix="subnetlab-", suffix=".zip") as archive:
                jobs.fetch(job, ARCHIVE, archive, packed.size)  # type: ignore[arg-type]
                archive.flush()
                unpack(Path(archive.name), packed, folder)
    except (TooLarge, RefusedRecord):  # it would be refused again
        raise
    except (PoolError, RecordError) as error:
        raise type(error)(f"{error}; {hint}") from error
    except OSError as error:
        folders = f"{tempfile.gettempdir()} and then to {folder}"
        raise RecordError(f"the record can't be written to {folders}: {error.strerror or error}; {hint}") from error
    code = ended.exit_code if ended is not None else details.driver_exit_code or 1
    return FetchedRun(str(details.status.value).lower(), code, None if packed is None else folder, details.message)


def _ended(jobs: Jobs, job: str) -> Ended | None:
    """Fetch the file that says how a job ended; None if the job left none."""
    file = BytesIO()
    if not jobs.fetch(job, ENDED, file, ENDED_BYTES):
        return None
    try:
        return Ended.model_validate_json(file.getvalue())
    except ValidationError:
        raise RefusedRecord(f"job {job} left a {ENDED} that can't be read: look at it on the head") from None
