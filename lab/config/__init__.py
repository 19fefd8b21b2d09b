"""What a user writes: configs, their tables and defaults."""

from .run_config import RunConfig

__all__ = ["RunConfig"]
