"""Results as a reader sees them: terminal, HTML, CSV, PNG and JSON."""
