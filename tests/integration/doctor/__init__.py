"""Integration tests of doctor."""
