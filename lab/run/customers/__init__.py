"""Customers of a run: who answers them, and the audit of that."""
