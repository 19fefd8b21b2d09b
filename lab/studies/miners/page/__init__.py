"""Page of the miners study, one module for each section or group of related sections."""

from .findings import page

__all__ = ["page"]
