"""Sections of a run's report: one file each, with its figures, its sentences and its drawing."""
