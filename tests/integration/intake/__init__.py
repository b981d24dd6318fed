"""Integration tests of intake."""
