"""A chain file and wallets on disk, as their user sees them."""
