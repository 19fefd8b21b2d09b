"""Audit of a reward function that somebody wrote for a subnet of their own."""
