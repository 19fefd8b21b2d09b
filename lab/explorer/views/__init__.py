"""What each page of the explorer shows."""
