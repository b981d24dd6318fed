"""A run's record as the producer reads and steers it."""
