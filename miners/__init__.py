"""Who answers: engines, miners and adversaries."""

from .miner import Engine, Miner, overhear, overhearing
from .registry import ENGINES, MINERS, AnyEngine, AnyMiner, load_engine, load_miner

__all__ = [
    "ENGINES",
    "MINERS",
    "AnyEngine",
    "AnyMiner",
    "Engine",
    "Miner",
    "load_engine",
    "load_miner",
    "overhear",
    "overhearing",
]
