"""What all commands share: the form of their help, their options, output and progress display."""
