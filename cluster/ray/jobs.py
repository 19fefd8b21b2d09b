"""Jobs: the HTTP port of a cluster's dashboard takes runs and returns their records.

Ray's job API starts a program on the head and streams its output. Ray's log API serves any file below the head's log
folder, so a job leaves its results there. Both share one port and one token.

    jobs = Jobs("http://127.0.0.1:8265")
    jobs.submit("ocr-1f", folder, "python -m lab.run.job submitted/ocr.toml", {"subnetlab": "ocr"})
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import urlsplit

from tenacity import retry, retry_if_exception, stop_after_delay, wait_fixed

from cluster.errors import PoolError
from inference.environment import environment
from subnets.text import printable

from .address import OPEN, is_loopback
from .probe import CONNECT_S
from .token import require_token, token_refused

logger = logging.getLogger(__name__)

LEFT = "subnetlab"
"""Folder below the head's log folder; each job leaves its files there, in a folder named by its id."""
STOP_S = 120
"""Time that a stopped job has to end its run and pack its record, before Ray kills it."""
RETRY_S = 1.0
LONGEST_RETRY_S = 15.0
LOG_TRIES = 4
"""Attempts to read the log of a job that has ended, before its record is fetched without it."""
CUT_OFF_S = 60.0
"""Time without an answer after which a cluster counts as gone."""
DIRECT: dict[str, str | None] = {
    "RAY_ADDRESS": None,
    "RAY_API_SERVER_ADDRESS": None,
    "NO_PROXY": "*",
    "no_proxy": "*",
    "NETRC": os.devnull,
}
"""Environment of requests to a cluster: Ray asks no other one, no proxy sees the token, ~/.netrc can't replace it."""
AGENT_S = 60.0
"""Time that the head of a new cluster may take until it can start jobs."""
FETCH_S = 3600
"""Time limit for fetching a file."""
MAX_REPLY_BYTES = 10_000_000
"""Largest reply of a dashboard, which lists all jobs of its cluster; files are bounded by `fetch`."""


class TooLarge(PoolError):
    """A file that a job left is too large to fetch; trying again won't help."""


class Jobs:
    """The jobs of one cluster."""

    def __init__(self, address: str) -> None:
        """Reach the dashboard at http://host:port or https://host:port.

        Raises:
            PoolError: nobody answers there, it is open to the network, or the token is missing or wrong.
        """
        self.address = address.rstrip("/")
        try:
            with environment(DIRECT):
                self._headers = _admission(self.address)
                client = _client()
                for name in ("ray", "ray.dashboard.modules.job.sdk", "ray.dashboard.modules.dashboard_sdk"):
                    logging.getLogger(name).setLevel(logging.WARNING)  # they would print what they upload
                self._client = client(self.address, headers=dict(self._headers))
        except ImportError as error:
            raise PoolError(
                f"Ray's job API can't be used from here: {printable(error)}; install it with: "
                "pip install 'subnetlab[cluster]'"
            ) from error
        except (RuntimeError, OSError) as error:  # errors of requests are OSErrors
            raise PoolError(f"Ray at {self.address} accepts no jobs: {printable(error)}") from error

    def submit(self, job: str, folder: Path, entrypoint: str, metadata: Mapping[str, str]) -> None:
        """Start a program on the head, in a copy of a folder.

        Pass no secrets: anybody with access to the cluster can read all of it.
        """
        stopping = {"RAY_JOB_STOP_SIGNAL": "SIGINT", "RAY_JOB_STOP_WAIT_TIME_S": str(STOP_S)}
        runtime = {"working_dir": str(folder), "env_vars": stopping}

        @retry(
            retry=retry_if_exception(_has_no_agent),
            stop=stop_after_delay(AGENT_S),
            wait=wait_fixed(RETRY_S),
            reraise=True,
        )
        def submit_job() -> None:
            with self._asking():
                self._client.submit_job(
                    submission_id=job, entrypoint=entrypoint, runtime_env=runtime, metadata=dict(metadata)
                )

        try:
            submit_job()
        except PoolError as error:
            if not _has_no_agent(error):
                raise
            raise PoolError(
                f"Ray at {self.address} has no agent that starts jobs: if another Ray runs on the head's machine, "
                "start this one with an agent port of its own: --dashboard-agent-listen-port PORT"
            ) from None

    def details(self, job: str) -> Any:
        """Return what Ray knows about a job; raises PoolError if there is none."""
        with self._asking():
            return self._client.get_job_info(job)

    def running(self) -> list[str]:
        """Return the ids of the runs that were submitted and have not ended."""
        with self._asking():
            jobs = self._client.list_jobs()
        return [str(job.submission_id) for job in jobs if LEFT in (job.metadata or {}) and not job.status.is_terminal()]

    def stop(self, job: str) -> None:
        """Stop a job as Ctrl-C would."""
        with self._asking():
            self._client.stop_job(job)

    async def follow(self, job: str, shown: int = 0) -> AsyncIterator[str]:
        """Yield a job's output until it ends, without the first `shown` characters; reconnect if cut off.

        The rest of an ended job's output is given up if it can't be read.

        Raises:
            PoolError: the cluster has not answered for `CUT_OFF_S`; the job may still run.
        """
        import aiohttp

        loop = asyncio.get_running_loop()
        last_answer, ended, failures = loop.time(), False, 0
        while True:
            received, reason = 0, ""
            try:
                if not ended and (await asyncio.to_thread(self.details, job)).status.is_terminal():
                    ended, failures = True, 0
                last_answer = loop.time()
                tail = aiter(self._client.tail_job_logs(job))
                while (text := await asyncio.wait_for(anext(tail, None), CUT_OFF_S)) is not None:
                    unseen, received = text[max(0, shown - received) :], received + len(text)
                    shown, last_answer = max(shown, received), loop.time()
                    if unseen:
                        failures = 0
                        yield unseen
            except TimeoutError:
                reason = f"no output for {CUT_OFF_S:g} s"  # or no connection: the next request shows which
            except (RuntimeError, aiohttp.ClientError, PoolError) as error:
                reason = printable(error)
                if loop.time() - last_answer > CUT_OFF_S:
                    raise PoolError(
                        f"Ray at {self.address} no longer answers: {reason}; the job may still run"
                    ) from None
            else:
                if ended:
                    return
            failures += bool(reason)
            if ended and failures >= LOG_TRIES:
                logger.error("job %s has ended, but the rest of its log can't be read: %s", job, reason)
                return
            await asyncio.sleep(min(LONGEST_RETRY_S, RETRY_S * 2 ** min(failures, 5)))

    def fetch(self, job: str, name: str, into: BinaryIO, max_bytes: int) -> bool:
        """Copy a file that a job left, of at most `max_bytes`; return False if there is none.

        Raises:
            PoolError: it can't be fetched now.
            TooLarge: it is larger.
            OSError: it can't be written.
        """
        import requests

        location = {"node_id": self.details(job).driver_node_id, "filename": f"{LEFT}/{job}/{name}", "lines": -1}
        if location["node_id"] is None:  # it never started
            return False
        with self._asking():
            answer = requests.get(
                f"{self.address}/api/v0/logs/file",
                params=location | {"timeout": FETCH_S},
                headers=self._headers,
                stream=True,
                timeout=CUT_OFF_S,
            )
        with answer:
            if answer.status_code != 200:
                with self._asking():
                    read_bounded(answer)
                    if "not found" in answer.text:
                        return False
                    raise RuntimeError(answer.text)
            size, pieces = 0, answer.iter_content(1 << 20)
            while True:
                with self._asking():
                    piece = next(pieces, None)
                if piece is None:
                    return True
                size += len(piece)
                if size > max_bytes:
                    raise TooLarge(f"{name} of job {job} has more than {max_bytes:,} bytes; look at it on the head")
                into.write(piece)

    @contextmanager
    def _asking(self) -> Iterator[None]:
        """Turn errors into a PoolError of one line."""
        try:
            with environment(DIRECT):
                yield
        except (RuntimeError, OSError) as error:
            lines = str(error).strip(". \n").splitlines()  # the last line of the head's traceback has the reason
            raise PoolError(
                f"Ray at {self.address}: {printable(lines[-1] if lines else type(error).__name__)}"
            ) from error


def _has_no_agent(error: BaseException) -> bool:
    return isinstance(error, PoolError) and "No available agent" in str(error)


def _client() -> Any:
    """Return Ray's client class, with limits on a reply and on how long a lookup waits for a cluster that is gone."""
    from ray.job_submission import JobSubmissionClient

    class Client(JobSubmissionClient):
        def _do_request(self, method: str, endpoint: str, **options: Any) -> Any:
            bound = BOUNDED | ({"timeout": CUT_OFF_S} if method == "GET" else {})
            return super()._do_request(method, endpoint, **(bound | options))

    return Client


def read_bounded(reply: Any, **_: Any) -> None:
    """Read the body of a reply that is still on its way; a head may lie, or not be one.

    Raises:
        PoolError: it has more than MAX_REPLY_BYTES.
        requests.ConnectionError: it breaks off.
    """
    import requests
    import urllib3

    try:
        body = reply.raw.read(MAX_REPLY_BYTES + 1, decode_content=True)
    except urllib3.exceptions.HTTPError as error:
        raise requests.ConnectionError(error) from error
    if len(body) > MAX_REPLY_BYTES:
        reply.close()
        raise PoolError(f"{printable(reply.url)} sent more than {MAX_REPLY_BYTES:,} bytes; the rest is not read")
    reply.raw = BytesIO(body)


BOUNDED: dict[str, Any] = {"stream": True, "hooks": {"response": read_bounded}}
"""Options of a request whose reply is read with a bound."""


def left_folder() -> Path:
    """Return the folder in which this process, as a job, may leave files: next to its own log, which is stdout.

    Raises:
        PoolError: this process is not a job.
    """
    log = Path(os.readlink("/proc/self/fd/1"))
    job = log.stem.removeprefix("job-driver-")
    if log.suffix != ".log" or job == log.stem:
        raise PoolError(f"this process is not a job of a Ray cluster: its output goes to {log}; use `subnetlab submit`")
    return log.parent / LEFT / job


def _admission(address: str) -> dict[str, str]:
    """Return the headers that a dashboard asks for.

    Raises:
        PoolError: it is not a dashboard, it is open to the network, or the token is missing or wrong.
    """
    host = urlsplit(address).hostname
    if urlsplit(address).scheme not in ("http", "https") or host is None:
        raise PoolError(f"{address} is not a dashboard address: write http://host:8265")
    status = _dashboard_status(address, {})
    if status == 200:
        # A port of this machine may be forwarded to another one, so the machines of the cluster decide.
        if not all(map(is_loopback, [host, *_machines(address)])):
            raise PoolError(f"Ray at {address} is refused: {OPEN}")
        return {}
    if urlsplit(address).scheme == "http" and not is_loopback(host):
        logger.warning("the token goes to %s unencrypted; ssh -L 8265:127.0.0.1:8265 %s keeps it secret", address, host)
    headers = {"Authorization": f"Bearer {require_token(address)}"}
    if _dashboard_status(address, headers) != 200:
        raise PoolError(token_refused(address))
    return headers


def _machines(address: str) -> list[str]:
    """Return the addresses of the machines behind a dashboard that asks for no token."""
    import requests

    try:
        answer = requests.get(
            f"{address}/nodes", params={"view": "summary"}, timeout=CONNECT_S, allow_redirects=False, **BOUNDED
        )
        return [str(row["ip"]) for row in answer.json()["data"]["summary"]]
    except (requests.RequestException, ValueError, KeyError, TypeError) as error:
        raise PoolError(f"Ray at {address} does not list its machines: {printable(error)}") from None


def _dashboard_status(address: str, headers: Mapping[str, str]) -> int:
    import requests

    try:
        answer = requests.get(
            f"{address}/api/version", headers=headers, timeout=CONNECT_S, allow_redirects=False, **BOUNDED
        )
        if answer.status_code not in (401, 403):
            reply = answer.json()
            if not (isinstance(reply, dict) and "ray_version" in reply):
                raise ValueError
    except ValueError:  # JSON's errors too
        raise PoolError(
            f"{address} is not a Ray dashboard: it answers {answer.status_code} and names no version of Ray"
        ) from None
    except requests.RequestException as error:
        raise PoolError(
            f"no Ray dashboard answers at {address} ({type(error).__name__}): give the head's address (it needs "
            "ray[default]), or forward its port: ssh -L 8265:127.0.0.1:8265 HEAD"
        ) from None
    return answer.status_code
