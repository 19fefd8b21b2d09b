"""Jobs: a run is handed to a cluster over the HTTP port of its dashboard, and what it leaves comes back the same way.

Ray's job API starts a program on the head and streams what it says; its log API serves any file below the head's log
folder, so that is where a job leaves what is to be fetched: one port, one token.

    jobs = Jobs("http://127.0.0.1:8265")
    jobs.submit("ocr-1f", folder, "python -m lab.job submitted/ocr.toml", {"subnetlab": "ocr"})
"""

from __future__ import annotations

import asyncio
import logging
import os
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import urlsplit

from cluster.errors import PoolError
from inference.environment import environment
from subnets.text import printable

from .address import KNOCK_S, OPEN, is_loopback, other_token, require_token

logger = logging.getLogger(__name__)

LEFT = "subnetlab"
"""Below the head's log folder: what jobs leave, each in a folder of its id."""
STOP_S = 120
"""What a job that is stopped has to end its run and pack its record, before Ray kills it."""
AGAIN_S = 1.0
CUT_OFF_S = 60.0
"""Without an answer of the cluster, before it is no longer waited for."""
STRAIGHT: dict[str, str | None] = {
    "RAY_ADDRESS": None,
    "RAY_API_SERVER_ADDRESS": None,
    "NO_PROXY": "*",
    "no_proxy": "*",
    "NETRC": os.devnull,
}
"""Set while a cluster is asked; else Ray asks another one, a proxy sees the token, or ~/.netrc takes its place."""
AGENT_S = 60.0
"""What the head of a cluster that has just started may take until it can start jobs."""
FETCH_S = 3600
"""What a file may take to arrive."""


class TooLarge(PoolError):
    """A file that a job left has more bytes than are taken; it will have as many when it is asked for again."""


class Jobs:
    """The jobs of one cluster."""

    def __init__(self, address: str) -> None:
        """Reach the dashboard at http://host:port or https://host:port.

        Raises:
            PoolError: nobody answers there, it is open to the network, or the token is missing or another.
        """
        self.address = address.rstrip("/")
        try:
            with environment(STRAIGHT):
                self._headers = _admission(self.address)
                client = _client()
                for name in ("ray", "ray.dashboard.modules.job.sdk", "ray.dashboard.modules.dashboard_sdk"):
                    logging.getLogger(name).setLevel(logging.WARNING)  # they say on stderr what they upload
                self._client = client(self.address, headers=dict(self._headers))
        except ImportError as error:
            raise PoolError(
                f"Ray's job API can't be used from here: {printable(error)}; get it with: "
                "pip install 'subnetlab[cluster]'"
            ) from error
        except (RuntimeError, OSError) as error:  # those of requests are OSErrors
            raise PoolError(f"Ray at {self.address} takes no jobs: {printable(error)}") from error

    def submit(self, job: str, folder: Path, entrypoint: str, metadata: Mapping[str, str]) -> None:
        """Start a program on the head, in a copy of a folder.

        No key goes with it: what is given here can be read by anybody who may ask the cluster.
        """
        stopping = {"RAY_JOB_STOP_SIGNAL": "SIGINT", "RAY_JOB_STOP_WAIT_TIME_S": str(STOP_S)}
        sent = {"working_dir": str(folder), "env_vars": stopping}
        until = time.monotonic() + AGENT_S
        while True:
            try:
                with self._asking():
                    self._client.submit_job(
                        submission_id=job, entrypoint=entrypoint, runtime_env=sent, metadata=dict(metadata)
                    )
                return
            except PoolError as error:
                if "No available agent" not in str(error):
                    raise
                if time.monotonic() > until:
                    raise PoolError(
                        f"Ray at {self.address} has no agent that starts jobs: where another Ray runs on the head's "
                        "machine, start it with a port of its own: --dashboard-agent-listen-port PORT"
                    ) from None
            time.sleep(AGAIN_S)

    def details(self, job: str) -> Any:
        """Return what Ray knows of a job; raises PoolError where there is none."""
        with self._asking():
            return self._client.get_job_info(job)

    def running(self) -> list[str]:
        """Return the ids of the runs that were submitted and have not ended."""
        with self._asking():
            jobs = self._client.list_jobs()
        return [str(job.submission_id) for job in jobs if LEFT in (job.metadata or {}) and not job.status.is_terminal()]

    def stop(self, job: str) -> None:
        """Have a job end as by Ctrl-C."""
        with self._asking():
            self._client.stop_job(job)

    async def follow(self, job: str, shown: int = 0) -> AsyncIterator[str]:
        """Yield what a job says until it ends, without the first `shown` characters; a cut connection is made again.

        Raises:
            PoolError: the cluster has not answered for `CUT_OFF_S`; the job may run on.
        """
        import aiohttp

        loop = asyncio.get_running_loop()
        heard = loop.time()
        while True:
            said = 0
            try:
                ended = (await asyncio.to_thread(self.details, job)).status.is_terminal()
                heard = loop.time()
                tail = aiter(self._client.tail_job_logs(job))
                while (text := await asyncio.wait_for(anext(tail, None), CUT_OFF_S)) is not None:
                    fresh, said = text[max(0, shown - said) :], said + len(text)
                    shown, heard = max(shown, said), loop.time()
                    if fresh:
                        yield fresh
            except TimeoutError:
                pass  # nothing to say, or nobody there: asking again tells
            except (RuntimeError, aiohttp.ClientError, PoolError) as error:
                if loop.time() - heard > CUT_OFF_S:
                    raise PoolError(
                        f"Ray at {self.address} answers no more: {printable(error)}; the job may run on"
                    ) from None
            else:
                if ended:
                    return
            await asyncio.sleep(AGAIN_S)

    def fetch(self, job: str, name: str, into: BinaryIO, most: int) -> bool:
        """Copy a file that a job left, of at most so many bytes; False where there is none.

        Raises:
            PoolError: it can't be had now.
            TooLarge: it has more bytes.
            OSError: it can't be written.
        """
        import requests

        where = {"node_id": self.details(job).driver_node_id, "filename": f"{LEFT}/{job}/{name}", "lines": -1}
        if where["node_id"] is None:  # it never started
            return False
        with self._asking():
            answer = requests.get(
                f"{self.address}/api/v0/logs/file",
                params=where | {"timeout": FETCH_S},
                headers=self._headers,
                stream=True,
                timeout=CUT_OFF_S,
            )
        with answer:
            if answer.status_code != 200:
                with self._asking():
                    if "not found" in answer.text:
                        return False
                    raise RuntimeError(answer.text)
            came, pieces = 0, answer.iter_content(1 << 20)
            while True:
                with self._asking():
                    piece = next(pieces, None)
                if piece is None:
                    return True
                came += len(piece)
                if came > most:
                    raise TooLarge(f"{name} of job {job} has more than {most:,} bytes; look at it on the head")
                into.write(piece)

    @contextmanager
    def _asking(self) -> Iterator[None]:
        """Say in one line what went wrong."""
        try:
            with environment(STRAIGHT):
                yield
        except (RuntimeError, OSError) as error:
            said = str(error).strip(". \n").splitlines()  # of a traceback on the head, the last line tells
            raise PoolError(
                f"Ray at {self.address}: {printable(said[-1] if said else type(error).__name__)}"
            ) from error


def _client() -> Any:
    """Ray's client, but that what it looks up does not wait for ever for a cluster which has gone without a word."""
    from ray.job_submission import JobSubmissionClient

    class Client(JobSubmissionClient):
        def _do_request(self, method: str, endpoint: str, **options: Any) -> Any:
            bound = {"timeout": CUT_OFF_S} if method == "GET" else {}
            return super()._do_request(method, endpoint, **(bound | options))

    return Client


def left_folder() -> Path:
    """Return where the job that this process belongs to may leave files: beside its own log, which is stdout.

    Raises:
        PoolError: this is no job.
    """
    log = Path(os.readlink("/proc/self/fd/1"))
    job = log.stem.removeprefix("job-driver-")
    if log.suffix != ".log" or job == log.stem:
        raise PoolError(f"this is no job of a Ray cluster: its output goes to {log}; use `subnetlab submit`")
    return log.parent / LEFT / job


def _admission(address: str) -> dict[str, str]:
    """Knock at a dashboard without a token; return the headers that it wants."""
    host = urlsplit(address).hostname
    if urlsplit(address).scheme not in ("http", "https") or host is None:
        raise PoolError(f"{address} is no address of a dashboard: write http://host:8265")
    status = _knock(address, {})
    if status == 200:
        # A port of this machine may be forwarded to another's, so who is in the cluster decides.
        if not all(map(is_loopback, [host, *_machines(address)])):
            raise PoolError(f"Ray at {address} is refused: {OPEN}")
        return {}
    if urlsplit(address).scheme == "http" and not is_loopback(host):
        logger.warning("the token goes to %s unencrypted; ssh -L 8265:127.0.0.1:8265 %s keeps it secret", address, host)
    headers = {"Authorization": f"Bearer {require_token(address)}"}
    if _knock(address, headers) != 200:
        raise PoolError(other_token(address))
    return headers


def _machines(address: str) -> list[str]:
    """Return the addresses of the machines behind a dashboard that asks for no token."""
    import requests

    try:
        answer = requests.get(f"{address}/nodes", params={"view": "summary"}, timeout=KNOCK_S, allow_redirects=False)
        return [str(row["ip"]) for row in answer.json()["data"]["summary"]]
    except (requests.RequestException, ValueError, KeyError, TypeError) as error:
        raise PoolError(f"Ray at {address} does not tell of its machines: {printable(error)}") from None


def _knock(address: str, headers: Mapping[str, str]) -> int:
    import requests

    try:
        answer = requests.get(f"{address}/api/version", headers=headers, timeout=KNOCK_S, allow_redirects=False)
        if answer.status_code not in (401, 403) and "ray_version" not in answer.json():
            raise ValueError
    except ValueError:  # JSON's errors too
        raise PoolError(f"{address} is no Ray dashboard: it answers {answer.status_code}") from None
    except requests.RequestException as error:
        raise PoolError(
            f"no Ray dashboard answers at {address} ({type(error).__name__}): give that of the head, which needs "
            "ray[default], or forward its port: ssh -L 8265:127.0.0.1:8265 HEAD"
        ) from None
    return answer.status_code
