"""Commands for plug-ins of one's own."""
