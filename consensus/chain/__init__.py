"""The local chain around the consensus."""

from .chain import Chain
from .receipt import Receipt

__all__ = ["Chain", "Receipt"]
