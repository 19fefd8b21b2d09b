"""Scaffolds: folders with a plug-in that works as it stands, to be changed into one's own."""

from .project import SORTS, Project, write

__all__ = ["SORTS", "Project", "write"]
