"""Yuma consensus."""
