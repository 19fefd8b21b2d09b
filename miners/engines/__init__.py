"""Engines: what costs money."""
