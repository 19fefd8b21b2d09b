"""What a host is and does, how a pool reaches one, and the validators that a process holds."""
