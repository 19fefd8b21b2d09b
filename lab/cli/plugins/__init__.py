"""Commands for plug-ins and models."""
