"""What a run leaves behind: an append-only, hash-linked record in its folder or in a database."""
