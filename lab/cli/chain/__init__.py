"""Commands of the local chain."""
