"""Scheduling: which query each host serves, and when."""
