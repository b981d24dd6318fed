"""Integration tests of runs."""
