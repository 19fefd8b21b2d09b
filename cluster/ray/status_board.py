"""The status board of a cluster: the runs on it, visible to anybody with access to the cluster.

It is a namespace of the key-value store of Ray's head. A run's driver puts its latest snapshot there and removes it at
its end. Reading it takes the address and the token, but no resources and no process of the cluster.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from threading import Lock

from .probe import probe

NAMESPACE = "subnetlab"
READ = """
space = b"subnetlab"
ended = {key.hex() for key, job in head.get_all_job_info(timeout=15).items() if job.is_dead}
values = [head.internal_kv_get(key, space, timeout=15) for key in head.internal_kv_keys(b"", space, timeout=15)]
notes = [json.loads(value) for value in values if value is not None]
result["notes"] = [note | {"alive": note["job"] not in ended} for note in notes]
"""


@dataclass(frozen=True, slots=True)
class Note:
    """The latest snapshot of one run on the board."""

    snapshot: str
    alive: bool
    """True while the run's driver is connected to the cluster."""


class StatusBoard:
    """The notes of this process on the board of the cluster that it joined; safe to use from any thread."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._runs: set[str] = set()
        self._cleared = False

    def publish(self, run: str, snapshot: str) -> None:
        """Replace a run's snapshot; do nothing once the board was cleared."""
        import ray
        from ray.experimental.internal_kv import _internal_kv_put

        with self._lock:
            if self._cleared:
                return
            note = {"job": ray.get_runtime_context().get_job_id(), "snapshot": snapshot}
            _internal_kv_put(run, json.dumps(note), overwrite=True, namespace=NAMESPACE)
            self._runs.add(run)

    def clear(self) -> None:
        """Remove everything that this process has published."""
        with self._lock:
            self._cleared = True
            if self._runs:
                from ray.experimental.internal_kv import _internal_kv_del

                for run in self._runs:
                    _internal_kv_del(run, namespace=NAMESPACE)


def notes(address: str) -> list[Note]:
    """Read the board of the cluster at host:port, or of the one that "auto" finds.

    Raises:
        PoolError: nobody answers, or the token is missing or wrong.
    """
    return [Note(note["snapshot"], bool(note["alive"])) for note in probe(address, READ).values["notes"]]
