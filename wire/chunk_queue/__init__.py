"""The queue of contact chunks: runs, chunks, leases, wake-ups, rate limiter, circuit breaker."""
