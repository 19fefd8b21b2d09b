"""Servers that a run starts in addition to its hosts."""
