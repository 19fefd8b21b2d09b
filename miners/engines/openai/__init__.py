"""The OpenAI engine, for every server that speaks the OpenAI protocol."""

from .engine import OpenAI

__all__ = ["OpenAI"]
