"""Tests that open no socket and never wait."""
