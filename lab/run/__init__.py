"""Playing a run, paying its epochs, auditing it."""
