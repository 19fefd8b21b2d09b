"""The device and the precision of a model, and the GPUs of this machine."""

from __future__ import annotations

import os
from pathlib import Path


def pick_device(device: str) -> str:
    """Resolve "auto" to a GPU if there is one, else the CPU; other devices are returned as they are."""
    import torch

    if device != "auto":
        return device
    return "cuda" if torch.cuda.is_available() else "cpu"


def pick_dtype(dtype: str, device: str) -> str:
    """Resolve "auto" to the precision of graders: bfloat16 on a GPU, float32 on a CPU, where half precision is slow."""
    if dtype != "auto":
        return dtype
    return "float32" if device == "cpu" else "bfloat16"


def visible_gpus(count: int, visible: str | None) -> list[int]:
    """Return the NVML indices of this process's first GPUs by CUDA_VISIBLE_DEVICES; empty if it has names."""
    if visible is None:
        return list(range(count))
    names = [name.strip() for name in visible.split(",") if name.strip()][:count]
    return [int(name) for name in names] if all(name.isdigit() for name in names) else []


def gpu_here() -> bool:
    """Return True if this process may use a GPU of this machine, without loading a driver."""
    if os.environ.get("CUDA_VISIBLE_DEVICES") in ("", "-1"):
        return False
    return any(Path("/dev").glob("nvidia[0-9]*"))
