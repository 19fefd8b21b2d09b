"""Commands about clusters: launching one, planning for it, running on it."""
