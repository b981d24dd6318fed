"""Unit tests of people."""
