"""Miners, which answer queries, and the engines that do the costly part of their work."""

from .errors import EngineError
from .miner import Engine, Miner, overhear, overhearing
from .pay import Pay
from .registry import ENGINES, MINERS, AnyEngine, AnyMiner, load_engine, load_miner

__all__ = [
    "ENGINES",
    "MINERS",
    "AnyEngine",
    "AnyMiner",
    "Engine",
    "EngineError",
    "Miner",
    "Pay",
    "load_engine",
    "load_miner",
    "overhear",
    "overhearing",
]
