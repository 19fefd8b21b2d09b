"""The local chain around the consensus."""

from .chain import Chain, Receipt

__all__ = ["Chain", "Receipt"]
