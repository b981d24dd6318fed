"""Gauges, metrics and queue statistics."""
