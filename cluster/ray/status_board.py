"""The board of a cluster: what runs on it look like, for anybody who may ask the cluster.

It is a namespace of the key-value store of Ray's head: a run's driver puts its latest snapshot there and takes it away
when it ends. Reading needs the address and the token; no place in the cluster, no process on it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from threading import Lock

from .address import ask

NAMESPACE = "subnetlab"
READ = """
space = b"subnetlab"
ended = {key.hex() for key, job in head.get_all_job_info(timeout=15).items() if job.is_dead}
kept = [head.internal_kv_get(key, space, timeout=15) for key in head.internal_kv_keys(b"", space, timeout=15)]
notes = [json.loads(note) for note in kept if note is not None]
said["notes"] = [note | {"alive": note["job"] not in ended} for note in notes]
"""


@dataclass(frozen=True, slots=True)
class Note:
    """What one run's driver last put on the board."""

    snapshot: str
    alive: bool
    """Whether the cluster still has the driver."""


class StatusBoard:
    """The notes of this process on the board of the cluster that it has joined; safe to use from any thread."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._runs: set[str] = set()
        self._cleared = False

    def publish(self, run: str, snapshot: str) -> None:
        """Put up a run's snapshot in place of the one before; nothing once the board was cleared."""
        import ray
        from ray.experimental.internal_kv import _internal_kv_put

        with self._lock:
            if self._cleared:
                return
            note = {"job": ray.get_runtime_context().get_job_id(), "snapshot": snapshot}
            _internal_kv_put(run, json.dumps(note), overwrite=True, namespace=NAMESPACE)
            self._runs.add(run)

    def clear(self) -> None:
        """Take down all that was put up."""
        with self._lock:
            self._cleared = True
            if self._runs:
                from ray.experimental.internal_kv import _internal_kv_del

                for run in self._runs:
                    _internal_kv_del(run, namespace=NAMESPACE)


def notes(address: str) -> list[Note]:
    """Read the board of the cluster at host:port, or of the one that "auto" finds.

    Raises:
        PoolError: nobody answers, or the token is missing or another.
    """
    said, _ = ask(address, READ)
    return [Note(note["snapshot"], bool(note["alive"])) for note in said["notes"]]
