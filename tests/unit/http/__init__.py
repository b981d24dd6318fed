"""Unit tests of http."""
