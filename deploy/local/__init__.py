"""The local stack: an embedded Valkey, the sandbox, the producer and workers as real processes on this machine."""
