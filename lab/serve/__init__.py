"""Serving miners to other people's validators."""
