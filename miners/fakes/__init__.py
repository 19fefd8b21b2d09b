"""Miners with known behaviour, for tests and calibration."""
