"""Hosts: where miners, engines and validators run."""
