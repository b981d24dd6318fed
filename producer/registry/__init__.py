"""What people configured: connections, exports and segments."""
