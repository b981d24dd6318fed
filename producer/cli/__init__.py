"""The command line: it asks the HTTP API, shows the answers and decides nothing; `serve` alone starts something."""
