"""Serving miners to others: to other people's validators today."""
