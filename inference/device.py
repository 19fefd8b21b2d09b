"""The device and the precision of a model."""

from __future__ import annotations


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
