"""The pool on one machine, without a cluster."""

from .pool import LocalPool

__all__ = ["LocalPool"]
