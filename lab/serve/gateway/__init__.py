"""A gateway: sells the answers of a run's miners to customers over an OpenAI-compatible interface."""
