"""Figures of a run, read from its record."""
