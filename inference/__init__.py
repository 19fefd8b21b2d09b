"""What holds, finds and runs a model; it knows no subnet, miner or validator."""
