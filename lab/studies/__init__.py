"""Studies: figures that nobody publishes, each a frozen config, a data function, a picture and a table."""
