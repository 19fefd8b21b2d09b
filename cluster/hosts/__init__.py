"""Hosts, the links through which a pool reaches them, and the workers that run validators."""
