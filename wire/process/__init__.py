"""What every process needs: logs, crash handling, settings, periodic tasks."""
