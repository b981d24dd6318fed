"""Unit tests of chunk queue."""
