"""A Ray cluster, or a Ray of the run's own."""
