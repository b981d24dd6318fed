"""Tells people, outside of the page and the command line, when an export starts or stops doing well."""
