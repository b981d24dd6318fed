"""Places where snapshots lie."""
