"""Claims about such networks, each with the verdict that recorded studies give on it."""
