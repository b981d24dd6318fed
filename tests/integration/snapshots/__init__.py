"""Integration tests of snapshots."""
