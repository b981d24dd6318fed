"""The dashboards, built from code: `python -m deploy.generated` writes their JSON beside it, and a test compares."""
