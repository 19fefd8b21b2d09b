"""Graders that need no judge, side by side on simulated crowds."""
