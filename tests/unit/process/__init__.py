"""Unit tests of process."""
