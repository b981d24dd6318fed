"""Decides what is exported, and asks for it."""
