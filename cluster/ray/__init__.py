"""Hosts and validators on a Ray cluster: sessions, placement, actors, jobs and the status board."""
