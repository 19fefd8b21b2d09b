"""The invented world that tasks ask about."""
