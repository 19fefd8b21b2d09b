"""Known truths of text tasks, and the scorers that compare answers with them."""
