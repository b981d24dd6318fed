"""Redis: connection, key names, script loader, durability and encoding."""
