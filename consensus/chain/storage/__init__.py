"""Storage: the database behind a chain that is kept on disk."""

from .store import Store

__all__ = ["Store"]
