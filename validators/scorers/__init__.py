"""Scorers for any subnet whose answers are text; those that know a task's truth stand with their subnet."""
