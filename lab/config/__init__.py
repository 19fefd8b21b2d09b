"""What a user writes: configs, their tables and defaults."""
