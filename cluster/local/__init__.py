"""One machine, without Ray."""

from .pool import LocalPool

__all__ = ["LocalPool"]
