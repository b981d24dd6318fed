"""Integration tests of monitoring."""
