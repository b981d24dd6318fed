"""Unit tests of repository."""
