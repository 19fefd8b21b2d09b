"""Decides which query is served when, and on which host."""
