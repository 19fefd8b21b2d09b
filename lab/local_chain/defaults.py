"""Where the local chain and its wallets are kept by default, and how much its faucet gives."""

from pathlib import Path

CHAIN = ".subnetlab/chain.db"
WALLETS = Path(".subnetlab/wallets")

MAX_PORTIONS = 70_000
"""Portions that the faucet gives at once: at 300 τ each, the 21 million that the real chain will ever issue."""
