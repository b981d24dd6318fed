"""Tests against real parts: a real Valkey, real HTTP."""
