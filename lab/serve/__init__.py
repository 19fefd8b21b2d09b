"""Miners served to other people's validators."""
