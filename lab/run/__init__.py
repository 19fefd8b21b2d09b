"""Playing a run, paying its epochs, auditing it."""

from .session import run

__all__ = ["run"]
