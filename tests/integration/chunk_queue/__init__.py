"""Integration tests of chunk queue."""
