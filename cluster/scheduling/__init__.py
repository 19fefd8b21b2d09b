"""Who is asked when, and on which host."""
