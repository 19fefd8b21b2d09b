"""A chain file and wallets on disk, for the commands that use them."""
