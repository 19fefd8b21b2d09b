"""Page of the grading study, one module for each group of sections."""

from .findings import page

__all__ = ["page"]
