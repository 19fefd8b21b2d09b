"""Comparison of configs, which decides whether a run can continue from a record."""

from __future__ import annotations

from typing import Any

PLACE_KEYS = ("address", "dashboard", "gpu_gb", "isolate", "placement", "start_timeout_s", "wait_for_nodes_s")
"""Keys of the pool that have no effect on tasks, answers, grades or pay."""


def comparable_config(config: dict[str, Any]) -> dict[str, Any]:
    """Return a config, as JSON, without the keys that only say where it runs: a run may continue elsewhere."""
    pool = config.get("pool")
    if not isinstance(pool, dict):  # a damaged file; it equals no config
        return config
    return config | {"pool": {key: value for key, value in pool.items() if key not in PLACE_KEYS}}


def first_difference(old: Any, new: Any, key: str = "") -> str:
    """Name the first key in which two JSON values differ, with both values; empty if they are equal."""
    if isinstance(old, dict) and isinstance(new, dict):
        for name in sorted(old.keys() | new.keys()):
            difference = first_difference(old.get(name), new.get(name), f"{key}.{name}".removeprefix("."))
            if difference:
                return difference
        return ""
    if isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        pairs = enumerate(zip(old, new, strict=True))
        return next(filter(None, (first_difference(*pair, f"{key}[{place}]") for place, pair in pairs)), "")
    return "" if old == new else f"{key} was {old!r:.80}, is {new!r:.80}"
