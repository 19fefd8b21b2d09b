"""Readers: engines that read the text on images."""
