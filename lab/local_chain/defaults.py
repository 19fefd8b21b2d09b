"""Default locations of the local chain and its wallets, and the limit of its faucet."""

from pathlib import Path

CHAIN = ".subnetlab/chain.db"
WALLETS = Path(".subnetlab/wallets")

MAX_PAYOUTS = 70_000
"""Maximum payouts of one faucet call: at 300 τ each, the 21 million that the real chain will ever issue."""
