"""Templates, translations, charts and static files."""
