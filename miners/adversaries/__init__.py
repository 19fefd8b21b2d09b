"""Miners that try to be paid for nothing."""
