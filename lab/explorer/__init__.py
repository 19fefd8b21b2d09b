"""The explorer: runs, studies and local chains in a browser, and why each miner was paid what it was."""
