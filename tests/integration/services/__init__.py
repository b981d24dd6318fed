"""Integration tests of services."""
