"""What a run leaves behind: an append-only, hash-linked record in its folder."""

from .record import RunRecord

__all__ = ["RunRecord"]
