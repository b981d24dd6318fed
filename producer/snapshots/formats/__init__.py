"""Formats of snapshot files."""
