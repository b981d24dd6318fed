"""Integration tests of process."""
