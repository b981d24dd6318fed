"""`make bench`: how fast it is, every row a ratio inside one run on the machine at hand; what must hold is in `rows`."""
