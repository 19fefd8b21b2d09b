"""Comparing readings of a page with each other."""
