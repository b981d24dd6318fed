"""Sessions of the page: cookies, security headers and keys on their way into a connection."""
