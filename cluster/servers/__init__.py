"""Servers that a run starts beside its hosts."""
