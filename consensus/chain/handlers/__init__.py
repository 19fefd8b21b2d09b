"""Handlers: one function per call, which checks it and changes the chain's state, or refuses and changes nothing."""
