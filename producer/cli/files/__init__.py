"""Connections and exports as files: reads and writes them, and tells what would change; it asks nobody anything."""
