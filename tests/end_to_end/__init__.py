"""Tests that run the programs as real processes."""
