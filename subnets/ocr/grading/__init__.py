"""Graders of a page's text: in reading order, and by the unit tests of published benchmarks."""
