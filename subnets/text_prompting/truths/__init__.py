"""Known truths of text tasks, and how an answer is held against them."""
