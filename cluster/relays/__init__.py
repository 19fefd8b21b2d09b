"""Relays: one for each machine, which carries queries to its hosts and their answers back, many in one message."""
