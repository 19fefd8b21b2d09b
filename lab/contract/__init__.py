"""Contract tests of plug-ins: rules that every subnet, miner, scorer and other plug-in keeps."""

from .check import check
from .rule import Rule, violations

__all__ = ["Rule", "check", "violations"]
