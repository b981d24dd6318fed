"""Forms of the page: fields, values and their checks."""
