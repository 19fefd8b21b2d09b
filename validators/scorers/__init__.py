"""Scorers for any subnet whose answers are text; scorers that grade by a task's truth belong to their subnet."""
