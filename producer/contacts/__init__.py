"""Turns a row of a snapshot into a contact."""
