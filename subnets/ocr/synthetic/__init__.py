"""Synthetic pages: words, type and layouts, drawn from a seed."""
