"""Finding, loading and running models. Nothing here knows a subnet, a miner or a validator."""
