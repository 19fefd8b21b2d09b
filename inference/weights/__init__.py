"""Weights: model files, found by name, fetched, converted and cached."""

from .cache import describe
from .known import PACKAGED, TRAINED
from .names import resolve
from .ready import KnownModel, known_models, prepare

__all__ = ["PACKAGED", "TRAINED", "KnownModel", "describe", "known_models", "prepare", "resolve"]
